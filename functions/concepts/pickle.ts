import { UserError } from "../../shared/error.ts";

/** A block of numbers that a pickle names and the archive around it holds. */
export interface PickledStorage {
  readonly kind: "storage";
  readonly format: StorageFormat;
  /** Name of the block in the archive. */
  readonly key: string;
  /** Elements. */
  readonly length: number;
}

/** A tensor as its pickle describes it: a window into a storage. Nothing about it is checked yet. */
export interface PickledTensor {
  readonly kind: "tensor";
  readonly storage: PickledStorage;
  /** Offset and strides in elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Number formats of the storages that are read. */
export type StorageFormat = "F32" | "F16" | "BF16";

const storageFormats: ReadonlyMap<string, StorageFormat> = new Map([
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
]);
const rebuildTensor = "torch._utils._rebuild_tensor_v2";
const orderedDict = "collections.OrderedDict";

/** Dicts become Maps, so no dict can pass for one of these. */
interface Global {
  readonly kind: "global";
  readonly name: string;
}

const isKind = <K extends "global" | "storage">(
  value: unknown,
  kind: K,
): value is K extends "global" ? Global : PickledStorage =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === kind;

interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly stack: unknown[];
  /** Heights of the stack at the open marks. */
  readonly marks: number[];
  readonly memo: Map<number, unknown>;
  /** Next byte. */
  at: number;
}

const maxValues = 100_000;

function refuse(reason: string): never {
  throw new UserError("bad_concept", `The pickle inside was refused: ${reason}. Convert the file to .safetensors.`);
}

/** Interprets the pickle of a tensor dict: dicts become Maps, lists and tuples arrays, tensors PickledTensor. Knows the
 * opcodes that torch.save writes for one, and these globals: torch._utils._rebuild_tensor_v2,
 * torch.{Float,Half,BFloat16}Storage, collections.OrderedDict. Anything else is refused by its name; nothing in the file is
 * ever executed or imported. The result may contain itself. @throws UserError bad_concept */
export function unpickle(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const machine: Machine = { bytes, view, stack: [], marks: [], memo: new Map(), at: 0 };
  for (;;) {
    const opcode = bytes[take(machine, 1)] ?? 0;
    if (opcode === stop) return pop(machine);
    const run = opcodes.get(opcode);
    if (run === undefined) {
      const name = `0x${opcode.toString(16).padStart(2, "0")}`;
      refuse(`opcode ${name} at byte ${machine.at - 1} has no place in a dict of tensors`);
    } else {
      run(machine);
    }
  }
}

/** Advances over `count` bytes and answers where they begin. */
function take(machine: Machine, count: number): number {
  if (machine.at + count > machine.bytes.length) refuse("it is cut short");
  machine.at += count;
  return machine.at - count;
}

function takeText(machine: Machine, count: number): string {
  const from = take(machine, count);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(machine.bytes.subarray(from, from + count));
  } catch {
    return refuse("a text in it is not UTF-8");
  }
}

function takeLine(machine: Machine): string {
  const end = machine.bytes.indexOf(0x0a, machine.at);
  const line = takeText(machine, end < 0 ? Number.POSITIVE_INFINITY : end - machine.at);
  take(machine, 1);
  return line;
}

/** LONG1: two's complement, little-endian, any number of bytes. */
function takeLong(machine: Machine): number {
  const count = machine.view.getUint8(take(machine, 1));
  const from = take(machine, count);
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(machine.bytes[from + i] ?? 0);
  const number = Number(BigInt.asIntN(8 * count, value));
  return Number.isSafeInteger(number) ? number : refuse("a whole number in it is too large");
}

function push(machine: Machine, value: unknown): void {
  if (machine.stack.length >= maxValues) refuse("it is too large");
  machine.stack.push(value);
}

function pop(machine: Machine): unknown {
  if (machine.stack.length <= (machine.marks.at(-1) ?? 0)) refuse("it takes more values than it made");
  return machine.stack.pop();
}

const top = (machine: Machine): unknown => machine.stack.at(-1);

const popSome = (machine: Machine, count: number): unknown[] =>
  Array.from({ length: count }, () => pop(machine)).reverse();

const popToMark = (machine: Machine): unknown[] =>
  machine.stack.splice(machine.marks.pop() ?? refuse("a mark is missing"));

function setItems(machine: Machine, pairs: readonly unknown[]): void {
  const target = top(machine);
  if (!(target instanceof Map) || pairs.length % 2 !== 0) refuse("it sets items of something that is no dict");
  for (let i = 0; i < pairs.length; i += 2) target.set(pairs[i], pairs[i + 1]);
}

function append(machine: Machine, values: readonly unknown[]): void {
  const target = top(machine);
  if (!Array.isArray(target)) refuse("it appends to something that is no list");
  for (const value of values) target.push(value);
}

function remember(machine: Machine, index: number): void {
  if (machine.memo.size >= maxValues || machine.stack.length === 0) refuse("it remembers too much, or nothing");
  machine.memo.set(index, top(machine));
}

function recall(machine: Machine, index: number): void {
  if (!machine.memo.has(index)) refuse("it recalls a value that it did not make");
  push(machine, machine.memo.get(index));
}

function findGlobal(machine: Machine): Global {
  const name = `${takeLine(machine)}.${takeLine(machine)}`;
  if (name === rebuildTensor || name === orderedDict || storageFormats.has(name)) return { kind: "global", name };
  return refuse(`it asks for ${JSON.stringify(name.slice(0, 120))}, which no dict of tensors needs`);
}

/** BINPERSID: ("storage", class, key, device, elements). */
function findStorage(id: unknown): PickledStorage {
  const [what, type, key, , length] = Array.isArray(id) ? id : [];
  const format = isKind(type, "global") ? storageFormats.get(type.name) : undefined;
  if (what !== "storage" || format === undefined || typeof key !== "string" || typeof length !== "number") {
    return refuse("it names a storage that is not one of floating-point numbers");
  }
  return { kind: "storage", format, key, length };
}

const areNumbers = (values: unknown): values is number[] =>
  Array.isArray(values) && values.every((value) => typeof value === "number");

/** REDUCE: the call of a known global. */
function call(target: unknown, args: unknown): unknown {
  if (!isKind(target, "global") || !Array.isArray(args)) return refuse("it calls something that is no function");
  if (target.name === orderedDict && args.length === 0) return new Map();
  const [storage, offset, shape, strides] = args;
  if (
    target.name !== rebuildTensor ||
    !isKind(storage, "storage") ||
    typeof offset !== "number" ||
    !areNumbers(shape) ||
    !areNumbers(strides)
  ) {
    return refuse(`it calls ${target.name} in a way that no saved tensor does`);
  }
  return { kind: "tensor", storage, offset, shape, strides };
}

const stop = 0x2e;

/** Opcodes of protocol 2, by their byte (CPython, Lib/pickletools.py). */
const opcodes: ReadonlyMap<number, (machine: Machine) => void> = new Map<number, (machine: Machine) => void>([
  // PROTO
  [0x80, (m) => void (m.bytes[take(m, 1)] === 2 || refuse("it is not of pickle protocol 2"))],
  // MARK
  [0x28, (m) => void m.marks.push(m.stack.length)],
  // NONE, NEWTRUE, NEWFALSE
  [0x4e, (m) => push(m, null)],
  [0x88, (m) => push(m, true)],
  [0x89, (m) => push(m, false)],
  // BININT1, BININT2, BININT, LONG1, BINFLOAT
  [0x4b, (m) => push(m, m.view.getUint8(take(m, 1)))],
  [0x4d, (m) => push(m, m.view.getUint16(take(m, 2), true))],
  [0x4a, (m) => push(m, m.view.getInt32(take(m, 4), true))],
  [0x8a, (m) => push(m, takeLong(m))],
  [0x47, (m) => push(m, m.view.getFloat64(take(m, 8), false))],
  // BINUNICODE
  [0x58, (m) => push(m, takeText(m, m.view.getUint32(take(m, 4), true)))],
  // EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE
  [0x7d, (m) => push(m, new Map())],
  [0x5d, (m) => push(m, [])],
  [0x29, (m) => push(m, [])],
  // TUPLE, TUPLE1, TUPLE2, TUPLE3
  [0x74, (m) => push(m, popToMark(m))],
  [0x85, (m) => push(m, popSome(m, 1))],
  [0x86, (m) => push(m, popSome(m, 2))],
  [0x87, (m) => push(m, popSome(m, 3))],
  // SETITEM, SETITEMS, APPEND, APPENDS
  [0x73, (m) => setItems(m, popSome(m, 2))],
  [0x75, (m) => setItems(m, popToMark(m))],
  [0x61, (m) => append(m, popSome(m, 1))],
  [0x65, (m) => append(m, popToMark(m))],
  // BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
  [0x71, (m) => remember(m, m.view.getUint8(take(m, 1)))],
  [0x72, (m) => remember(m, m.view.getUint32(take(m, 4), true))],
  [0x68, (m) => recall(m, m.view.getUint8(take(m, 1)))],
  [0x6a, (m) => recall(m, m.view.getUint32(take(m, 4), true))],
  // GLOBAL, BINPERSID, REDUCE
  [0x63, (m) => push(m, findGlobal(m))],
  [0x51, (m) => push(m, findStorage(pop(m)))],
  [
    0x52,
    (m) => {
      const [target, args] = popSome(m, 2);
      push(m, call(target, args));
    },
  ],
]);
