import { UserError } from "../../shared/error.ts";
import { readTensor, type SafetensorsFile } from "../tensor/safetensors.ts";

/** Asked only when a network gave values that are not finite: looks through every weight for the cause. Takes seconds for
 * a large checkpoint. @throws UserError bad_safetensors naming the file and the tensor, when there is one */
export function assertFiniteWeights(files: readonly SafetensorsFile[]): void {
  for (const file of files) {
    for (const [name, { dtype }] of file.tensors) {
      if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") continue;
      const odd = readTensor(file, name).data.find((x) => !Number.isFinite(x));
      if (odd === undefined) continue;
      throw new UserError(
        "bad_safetensors",
        `${file.path}: weight "${name}" holds ${odd}, so nothing can be computed with it. Fetch the checkpoint again.`,
      );
    }
  }
}
