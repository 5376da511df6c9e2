/** Cosine similarity of two vectors of one length, −1 … 1; 0 where either has no direction. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`cosine: vectors of ${a.length} and ${b.length} numbers do not compare`);
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

/** 1 − cosine similarity of two pictures' features, 0 (same direction) … 2. DreamBench's CLIP-I and DINO scores
 * (Ruiz et al. 2023) are 1 minus this. */
export const featureDistance = (a: ArrayLike<number>, b: ArrayLike<number>): number => 1 - cosine(a, b);

/** Mean feature distance over all pairs: how much pictures of one prompt differ; 0 for fewer than two. */
export function diversity(features: readonly ArrayLike<number>[]): number {
  let [sum, pairs] = [0, 0];
  for (const [i, a] of features.entries()) {
    for (const b of features.slice(i + 1)) {
      sum += featureDistance(a, b);
      pairs++;
    }
  }
  return pairs === 0 ? 0 : sum / pairs;
}
