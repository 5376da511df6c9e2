/** Runs a generator to its end: what it yielded and what it returned. */
export async function drain<Y, R>(generator: AsyncGenerator<Y, R, void>): Promise<{ yielded: Y[]; returned: R }> {
  const yielded: Y[] = [];
  for (;;) {
    const { done, value } = await generator.next();
    if (done) return { yielded, returned: value };
    yielded.push(value);
  }
}
