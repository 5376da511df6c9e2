import { test } from "vitest";

/** `test`, for tests that need something which `npm ci` does not bring. Where it is missing they are skipped by name; where CI is
 * set they fail instead, because there nothing may be left unchecked. */
export function testWith(peer: string, found: boolean): (name: string, run: () => void | Promise<void>) => void {
  if (found) return test;
  if (process.env["CI"] === undefined) return (name, run) => test.skip(`${name} (needs ${peer})`, run);
  return (name) =>
    test(name, () => {
      throw new Error(`this test needs ${peer}`);
    });
}
