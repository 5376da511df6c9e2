/** The worker thread that owns OpenCV, as WebAssembly. Started by grab-cut.ts; speaks its messages and nothing else. */
import { parentPort } from "node:worker_threads";
import opencv from "@techstark/opencv-js";
import type { CutReply, CutRequest } from "./grab-cut.ts";

/** The few names of OpenCV that a cut needs; its own types pull in all of the library's. */
interface Mat {
  readonly data: Uint8Array;
  delete(): void;
}
interface OpenCv {
  readonly Mat: new (rows?: number, columns?: number, type?: number) => Mat;
  readonly Rect: new (x: number, y: number, width: number, height: number) => object;
  readonly CV_8UC1: number;
  readonly CV_8UC3: number;
  readonly GC_INIT_WITH_MASK: number;
  setRNGSeed(seed: number): void;
  grabCut(image: Mat, mask: Mat, box: object, back: Mat, fore: Mat, rounds: number, mode: number): void;
}

/** The module answers `then` for ever with itself, so it must not be awaited. */
function load(): Promise<{ readonly cv: OpenCv }> {
  const cv = opencv as unknown as OpenCv & { onRuntimeInitialized?: () => void };
  return new Promise((resolve) => {
    if (cv.Mat) resolve({ cv });
    else cv.onRuntimeInitialized = () => resolve({ cv });
  });
}

const loading = load();

async function cut({ width, height, data, trimap, rounds }: CutRequest): Promise<Uint8Array> {
  const { cv } = await loading;
  const image = new cv.Mat(height, width, cv.CV_8UC3);
  const mask = new cv.Mat(height, width, cv.CV_8UC1);
  const [back, fore] = [new cv.Mat(), new cv.Mat()];
  try {
    image.data.set(data);
    mask.data.set(trimap);
    // Colours are clustered from a random start; the same start for every cut, whatever was cut before.
    cv.setRNGSeed(0);
    cv.grabCut(image, mask, new cv.Rect(0, 0, 1, 1), back, fore, rounds, cv.GC_INIT_WITH_MASK);
    return mask.data.slice();
  } finally {
    for (const mat of [image, mask, back, fore]) mat.delete();
  }
}

parentPort?.on("message", (request: CutRequest) => {
  const reply = (message: CutReply): void => parentPort?.postMessage(message);
  cut(request).then(
    (trimap) => reply({ id: request.id, trimap }),
    // OpenCV throws numbers: addresses of its own exceptions.
    (error: unknown) => reply({ id: request.id, error: String(error) }),
  );
});
