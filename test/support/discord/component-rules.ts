import { ButtonStyle, ComponentType, SeparatorSpacingSize, TextInputStyle } from "discord.js";
import { z } from "zod";

/** An id as Discord sends it. Never a number: a snowflake has more digits than one holds. */
export const Snowflake = z.string().regex(/^\d{1,20}$/, "Value is not snowflake.");

/** A string of `min`–`max` UTF-16 units, as Discord counts, without halves of surrogate pairs: those are no text. */
export const text = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine((value) => value.isWellFormed(), "Must be well-formed Unicode");

const customId = text(1, 100);
const id = z.number().int().min(0).optional();

function refuse(context: z.RefinementCtx, path: PropertyKey[], code: string, message: string): void {
  context.addIssue({ code: "custom", path, message, params: { code } });
}

const Emoji = z.object({
  id: Snowflake.nullish(),
  name: text(1, 32).nullish(),
  animated: z.boolean().optional(),
});

const Button = z
  .object({
    type: z.literal(ComponentType.Button),
    id,
    style: z.enum(ButtonStyle),
    label: text(1, 80).optional(),
    emoji: Emoji.optional(),
    custom_id: customId.optional(),
    url: z.url().max(512).optional(),
    sku_id: Snowflake.optional(),
    disabled: z.boolean().optional(),
  })
  .superRefine((button, context) => {
    const needs =
      button.style === ButtonStyle.Link ? "url" : button.style === ButtonStyle.Premium ? "sku_id" : "custom_id";
    for (const key of ["url", "sku_id", "custom_id"] as const) {
      if (key === needs && button[key] === undefined)
        refuse(context, [key], "BASE_TYPE_REQUIRED", "This field is required");
      if (key !== needs && button[key] !== undefined) {
        refuse(context, [key], "BUTTON_COMPONENT_INVALID", `A button of style ${button.style} cannot have a ${key}`);
      }
    }
    if (needs !== "sku_id" && button.label === undefined && button.emoji === undefined) {
      refuse(context, [], "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji");
    }
  });

const StringSelect = z
  .object({
    type: z.literal(ComponentType.StringSelect),
    id,
    custom_id: customId,
    placeholder: text(0, 150).optional(),
    min_values: z.number().int().min(0).max(25).optional(),
    max_values: z.number().int().min(1).max(25).optional(),
    disabled: z.boolean().optional(),
    required: z.boolean().optional(),
    options: z
      .array(
        z.object({
          label: text(1, 100),
          value: text(1, 100),
          description: text(1, 100).optional(),
          emoji: Emoji.optional(),
          default: z.boolean().optional(),
        }),
      )
      .min(1)
      .max(25),
  })
  .superRefine((select, context) => {
    const values = select.options.map((option) => option.value);
    if (new Set(values).size < values.length) {
      refuse(
        context,
        ["options"],
        "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
        "The specified option value is already used",
      );
    }
  });

const ActionRow = z
  .object({
    type: z.literal(ComponentType.ActionRow),
    id,
    components: z
      .array(z.discriminatedUnion("type", [Button, StringSelect]))
      .min(1)
      .max(5),
  })
  .superRefine((row, context) => {
    const selects = row.components.filter((component) => component.type === ComponentType.StringSelect).length;
    if (selects > 0 && row.components.length > 1) {
      refuse(context, ["components"], "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A select fills its row");
    }
  });

const TextDisplay = z.object({ type: z.literal(ComponentType.TextDisplay), id, content: text(1, 4000) });

/** `attachment://name` of a file in the same message, or a web address. */
const Media = z.object({
  url: text(1, 2048).regex(/^(attachment|https?):\/\/\S+$/, "Scheme must be attachment, http or https"),
});

const Thumbnail = z.object({
  type: z.literal(ComponentType.Thumbnail),
  id,
  media: Media,
  description: text(1, 1024).nullish(),
  spoiler: z.boolean().optional(),
});

const Section = z.object({
  type: z.literal(ComponentType.Section),
  id,
  components: z.array(TextDisplay).min(1).max(3),
  accessory: z.discriminatedUnion("type", [Thumbnail, Button]),
});

const MediaGallery = z.object({
  type: z.literal(ComponentType.MediaGallery),
  id,
  items: z
    .array(z.object({ media: Media, description: text(1, 1024).nullish(), spoiler: z.boolean().optional() }))
    .min(1)
    .max(10),
});

const FileComponent = z.object({
  type: z.literal(ComponentType.File),
  id,
  file: Media.refine((media) => media.url.startsWith("attachment://"), "A file must be an attachment"),
  spoiler: z.boolean().optional(),
});

const Separator = z.object({
  type: z.literal(ComponentType.Separator),
  id,
  divider: z.boolean().optional(),
  spacing: z.enum(SeparatorSpacingSize).optional(),
});

const Container = z.object({
  type: z.literal(ComponentType.Container),
  id,
  components: z
    .array(z.discriminatedUnion("type", [ActionRow, TextDisplay, Section, MediaGallery, Separator, FileComponent]))
    .min(1),
  accent_color: z.number().int().min(0).max(0xffffff).nullish(),
  spoiler: z.boolean().optional(),
});

/** Components of a message without the V2 flag. */
export const LegacyComponents = z.array(ActionRow).max(5).superRefine(refuseDuplicateIds);

/** Components of a message with the V2 flag: 40 in all, 4,000 characters of text in all. */
export const V2Components = z
  .array(
    z.discriminatedUnion("type", [ActionRow, TextDisplay, Section, MediaGallery, Separator, FileComponent, Container]),
  )
  .min(1)
  .superRefine((components, context) => {
    const all = [...walk(components)];
    if (all.length > 40) {
      refuse(context, [], "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", `Must be 40 or fewer in total, not ${all.length}`);
    }
    const characters = all.reduce((sum, { component }) => sum + String(component["content"] ?? "").length, 0);
    if (characters > 4000) {
      refuse(
        context,
        [],
        "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
        `Must be 4000 or fewer in length, not ${characters}`,
      );
    }
    refuseDuplicateIds(components, context);
  });

const TextInput = z
  .object({
    type: z.literal(ComponentType.TextInput),
    id,
    custom_id: customId,
    style: z.enum(TextInputStyle),
    /** Deprecated outside an action row: a Label carries it. */
    label: text(1, 45).optional(),
    min_length: z.number().int().min(0).max(4000).optional(),
    max_length: z.number().int().min(1).max(4000).optional(),
    required: z.boolean().optional(),
    value: text(0, 4000).optional(),
    placeholder: text(0, 100).optional(),
  })
  .superRefine((input, context) => {
    const { value = "", min_length: min = 0, max_length: max = 4000 } = input;
    if (value !== "" && (value.length < min || value.length > max)) {
      refuse(context, ["value"], "BASE_TYPE_BAD_LENGTH", `Must be between ${min} and ${max} in length.`);
    }
  });

const FileUpload = z.object({
  type: z.literal(ComponentType.FileUpload),
  id,
  custom_id: customId,
  min_values: z.number().int().min(0).max(10).optional(),
  max_values: z.number().int().min(1).max(10).optional(),
  required: z.boolean().optional(),
});

const Label = z.object({
  type: z.literal(ComponentType.Label),
  id,
  label: text(1, 45),
  description: text(1, 100).optional(),
  component: z.discriminatedUnion("type", [TextInput, StringSelect, FileUpload]),
});

const TextInputRow = z.object({
  type: z.literal(ComponentType.ActionRow),
  id,
  components: z
    .array(
      TextInput.refine((input) => input.label !== undefined, {
        path: ["label"],
        params: { code: "BASE_TYPE_REQUIRED" },
      }),
    )
    .length(1),
});

/** A modal: title, custom id, 1–5 components. */
export const Modal = z.object({
  title: text(1, 45),
  custom_id: customId,
  components: z
    .array(z.discriminatedUnion("type", [Label, TextInputRow, TextDisplay]))
    .min(1)
    .max(5)
    .superRefine(refuseDuplicateIds),
});
export type Modal = z.infer<typeof Modal>;

/** A component of any kind, as plain JSON. */
export type AnyComponent = Readonly<Record<string, unknown>>;

/** Every component inside `components`, outermost first, with its place in the form. */
export function* walk(
  components: readonly unknown[],
  path: readonly PropertyKey[] = [],
): Generator<{ component: AnyComponent; path: readonly PropertyKey[] }> {
  for (const [index, value] of components.entries()) {
    const component = value as AnyComponent;
    const here = [...path, index];
    yield { component, path: here };
    if (Array.isArray(component["components"])) yield* walk(component["components"], [...here, "components"]);
    for (const key of ["accessory", "component"] as const) {
      if (component[key] !== undefined) yield* walk([component[key]], [...here, key]);
    }
  }
}

function refuseDuplicateIds(components: readonly unknown[], context: z.RefinementCtx): void {
  const seen = new Set<unknown>();
  for (const { component, path } of walk(components)) {
    const customIdValue = component["custom_id"];
    if (customIdValue === undefined) continue;
    if (seen.has(customIdValue)) {
      refuse(
        context,
        [...path, "custom_id"],
        "COMPONENT_CUSTOM_ID_DUPLICATED",
        "Component custom id cannot be duplicated",
      );
    }
    seen.add(customIdValue);
  }
}
