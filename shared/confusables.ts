/** Characters outside ASCII that look like one ASCII letter or digit, by that letter (`m` stands for the pair `rn` in the
 * source). Every letter and number whose skeleton (Unicode Technical Standard 39, sec. 4, data of Unicode 15) equals the
 * skeleton of an ASCII one and which NFKC and lower case leave as it is. Made by test/golden/confusables.py. */
const byLetter: Readonly<Record<string, string>> = {
  "0": "\u{7c0}\u{9e6}\u{b20}\u{b66}\u{12d0}\u{2d54}\u{3007}\u{a4f3}\u{10292}\u{102ab}\u{10516}\u{114d0}\u{118e0}",
  "2": "\u{14bf}\u{a6ef}",
  "3": "\u{118ca}\u{16f3b}",
  "6": "\u{431}\u{118d5}",
  "7": "\u{118c6}",
  "8": "\u{223}\u{9ea}\u{a6a}\u{1031a}\u{1e8cb}",
  "9": "\u{9ed}\u{a67}\u{b68}\u{d6d}\u{118cc}\u{118d6}",
  a: "\u{251}\u{3b1}\u{430}",
  b: "\u{1472}\u{15af}",
  c: "\u{441}\u{1d04}\u{2ca5}\u{abaf}\u{1043d}",
  d: "\u{501}\u{146f}\u{a4d2}",
  e: "\u{435}\u{4bd}\u{ab32}",
  f: "\u{584}\u{1e9d}\u{a799}\u{ab35}",
  g: "\u{18d}\u{261}\u{581}\u{1d83}",
  h: "\u{4bb}\u{570}",
  i: "\u{131}\u{269}\u{26a}\u{3b9}\u{456}\u{4cf}\u{a647}\u{ab75}\u{118c3}",
  j: "\u{3f3}\u{458}",
  l: "\u{1c0}\u{5d5}\u{5df}\u{627}\u{661}\u{6f1}\u{7ca}\u{16c1}\u{2d4f}\u{a4f2}\u{1028a}\u{10309}\u{10320}\u{16f28}\u{1e8c7}",
  m: "\u{11700}\u{118e3}",
  n: "\u{578}\u{57c}",
  o: "\u{3bf}\u{3c3}\u{43e}\u{585}\u{5e1}\u{647}\u{665}\u{6be}\u{6c1}\u{6d5}\u{6f5}\u{966}\u{a66}\u{ae6}\u{be6}\u{c66}\u{ce6}\u{d20}\u{d66}\u{e50}\u{ed0}\u{101d}\u{1040}\u{10ff}\u{1d0f}\u{1d11}\u{2c9f}\u{ab3d}\u{1042c}\u{104ea}\u{118c8}\u{118d7}",
  p: "\u{3c1}\u{440}\u{2ca3}",
  q: "\u{51b}\u{563}\u{566}",
  r: "\u{433}\u{1d26}\u{2c85}\u{ab47}\u{ab48}\u{ab81}",
  s: "\u{1bd}\u{455}\u{a731}\u{abaa}\u{10448}\u{118c1}",
  u: "\u{28b}\u{3c5}\u{57d}\u{1d1c}\u{a79f}\u{ab4e}\u{ab52}\u{104f6}\u{118d8}",
  v: "\u{3bd}\u{475}\u{5d8}\u{1d20}\u{aba9}\u{11706}\u{118c0}",
  w: "\u{26f}\u{461}\u{51d}\u{561}\u{1d21}\u{ab83}\u{1170a}\u{1170e}\u{1170f}",
  x: "\u{445}\u{1541}\u{157d}",
  y: "\u{263}\u{28f}\u{3b3}\u{443}\u{4af}\u{10e7}\u{1d8c}\u{1eff}\u{ab5a}\u{118dc}",
  z: "\u{1d22}\u{ab93}\u{118c4}",
};

const letterOf: ReadonlyMap<string, string> = new Map(
  Object.entries(byLetter).flatMap(([letter, likes]) => Array.from(likes, (like) => [like, letter] as const)),
);

/** The text with every look-alike replaced by the ASCII letter that it looks like. */
export const unmask = (text: string): string =>
  Array.from(text, (character) => letterOf.get(character) ?? character).join("");
