import { ComponentType } from "discord.js";
import { type AnyComponent, type Modal, walk } from "./component-rules.ts";

/** Components of a submitted modal, with the person's fields or the prefilled values. */
export function fillModal(modal: Modal, fields: Readonly<Record<string, string>>): AnyComponent[] {
  const known = new Set<string>();
  const submitted = modal.components.flatMap((top) => {
    const inputs = [...walk([top])]
      .map(({ component }) => component)
      .filter((component) => component["custom_id"] !== undefined);
    return inputs.map((input) => {
      const customId = String(input["custom_id"]);
      known.add(customId);
      const value = fields[customId] ?? String(input["value"] ?? "");
      const min = Math.max(Number(input["min_length"] ?? 0), input["required"] === false ? 0 : 1);
      const max = Number(input["max_length"] ?? 4000);
      if (value.length < min && !(value === "" && input["required"] === false))
        throw new Error(`${customId} needs ${min} characters`);
      if (value.length > max) throw new Error(`${customId} has more than ${max} characters`);
      const component = { type: input["type"], custom_id: customId, value, id: 1 };
      return top.type === ComponentType.Label
        ? { type: top.type, id: 1, component }
        : { type: top.type, id: 1, components: [component] };
    });
  });
  const unknown = Object.keys(fields).find((field) => !known.has(field));
  if (unknown !== undefined) throw new Error(`the modal has no field ${unknown}`);
  return submitted;
}
