/** The look of everything that is drawn. Lengths in pixels. */
export const theme = {
  paper: "#faf9f6",
  ink: "#1c1a24",
  quiet: "#6e6a7c",
  line: "#e3e0e8",
  /** Behind pictures that do not fill their frame. */
  frame: "#efedf2",
  accent: "#6d4df2",
  /** Candidates one to four: told apart by people who confuse red and green too. */
  marks: ["#6d4df2", "#e8590c", "#0b8f8c", "#d6336c"],
  radius: 12,
  gap: 16,
  margin: 32,
  title: { size: 34, weight: 600 },
  subtitle: { size: 20, weight: 400 },
  label: { size: 18, weight: 600 },
  caption: { size: 18, weight: 400 },
} as const;
