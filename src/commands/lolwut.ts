import type { Random } from '../ambient/random.js';

/** Shades of the hills from the farthest to the nearest. */
const shades = ['░', '▒', '▓', '█'];
/** What a star may look like; most of the sky is empty. */
const stars = ['.', '·', '*', '+'];
const starShare = 0.06;

/** A night in the hills: ranges one before the other, stars and a moon. Each line ends with a line feed. */
export function nightLandscape(random: Random, columns: number, rows: number): string {
  const canvas = Array.from({ length: rows }, () => starryLine(random, columns));
  placeMoon(random, canvas, columns, rows);
  for (const [distance, shade] of shades.entries()) {
    const base = ((distance + 2) / (shades.length + 2)) * rows;
    const roughness = (rows / 3) * (1 - distance / (shades.length + 2));
    const heights = ridge(random, columns, base, roughness);
    for (let x = 0; x < columns; x++) {
      for (let y = Math.max(0, Math.round(heights[x])); y < rows; y++) canvas[y][x] = shade;
    }
  }
  return canvas.map((line) => `${line.join('').trimEnd()}\n`).join('');
}

function starryLine(random: Random, columns: number): string[] {
  return Array.from({ length: columns }, () => {
    const chance = random.next();
    return chance < starShare ? stars[Math.floor((chance / starShare) * stars.length)] : ' ';
  });
}

function placeMoon(random: Random, canvas: string[][], columns: number, rows: number): void {
  const centre = Math.floor(random.next() * columns);
  const radius = Math.max(1, rows / 8);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      // A character is about twice as high as it is wide.
      const distance = Math.hypot((x - centre) / 2, y - radius - 1);
      if (distance <= radius) canvas[y][x] = 'o';
    }
  }
}

/** The line of a range of hills, by midpoint displacement: the top row of each column. */
function ridge(random: Random, columns: number, base: number, roughness: number): number[] {
  const heights = new Array<number>(columns).fill(base);
  const displace = (left: number, right: number, swing: number) => {
    if (right - left < 2) return;
    const middle = (left + right) >> 1;
    heights[middle] = (heights[left] + heights[right]) / 2 + (random.next() - 0.5) * swing;
    displace(left, middle, swing / 2);
    displace(middle, right, swing / 2);
  };
  heights[0] += (random.next() - 0.5) * roughness;
  heights[columns - 1] += (random.next() - 0.5) * roughness;
  displace(0, columns - 1, roughness);
  return heights;
}
