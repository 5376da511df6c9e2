/** Edits (insert, delete, replace, swap neighbours) that turn one text into another: optimal string alignment. */
export function editDistance(a: string, b: string): number {
  const [from, to] = [Array.from(a), Array.from(b)];
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[to.length] ?? 0;
}

const bare = (name: string): string => name.toLowerCase().replace(/[_-]/g, "");

/** The known name nearest to a mistyped one: at most a third of its characters differ (`_`, `-` and case count nothing), so
 * that strangers are never suggested. Undefined when none is near. The first of equals wins. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const wanted = bare(name).slice(0, 64);
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const other = bare(candidate).slice(0, 64);
    const allowed = Math.floor(Math.max(wanted.length, other.length) / 3);
    if (Math.abs(wanted.length - other.length) > allowed) continue;
    const edits = editDistance(wanted, other);
    if (edits <= allowed && (best === undefined || edits < best.edits)) best = { name: candidate, edits };
  }
  return best?.name;
}
