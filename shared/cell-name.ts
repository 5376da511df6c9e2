/** Cells in a row and in a column of the grid that one points with: Discord's buttons come 5 × 5. */
export const gridCells = 5;

/** A1 is the top left cell, E1 the top right one, A5 the bottom left one; index: row-major 0–24. */
export const cellName = (index: number): string => `${"ABCDE"[index % gridCells]}${Math.floor(index / gridCells) + 1}`;
