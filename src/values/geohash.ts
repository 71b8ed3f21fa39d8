/**
 * Places on earth as numbers: geohashes of 52 bits (Gustavo Niemeyer 2008; as Redis documents them for
 * GEOADD). Longitude and latitude are each cut in halves 26 times; the 26 bits of both alternate, longitude
 * first. Nearby places mostly have near numbers, and a cell of the grid after n halvings is one interval of
 * them.
 */

export interface Place {
  /** In degrees, -180 to 180. */
  longitude: number;
  /** In degrees. The numbers cover what the Mercator projection shows: up to about 85. */
  latitude: number;
}

export const LONGITUDE_LIMIT = 180;
export const LATITUDE_LIMIT = 85.05112878;

/** Halvings of each coordinate in a hash. */
export const FULL_STEPS = 26;

/** A cell of the grid after `steps` halvings: column from the west, row from the south. */
export interface Cell {
  column: number;
  row: number;
  steps: number;
}

/** The borders of a cell, in degrees. */
export interface Area {
  west: number;
  east: number;
  south: number;
  north: number;
}

/** The cell in which a place is. */
export function cellOf({ longitude, latitude }: Place, steps: number): Cell {
  return {
    column: indexOf(longitude, LONGITUDE_LIMIT, steps),
    row: indexOf(latitude, LATITUDE_LIMIT, steps),
    steps,
  };
}

function indexOf(degrees: number, limit: number, steps: number): number {
  return Math.floor(((degrees + limit) / (limit + limit)) * 2 ** steps);
}

export function areaOf({ column, row, steps }: Cell): Area {
  return {
    west: borderAt(column, LONGITUDE_LIMIT, steps),
    east: borderAt(column + 1, LONGITUDE_LIMIT, steps),
    south: borderAt(row, LATITUDE_LIMIT, steps),
    north: borderAt(row + 1, LATITUDE_LIMIT, steps),
  };
}

function borderAt(index: number, limit: number, steps: number): number {
  return -limit + (index / 2 ** steps) * (limit + limit);
}

/**
 * The cell that many columns east and rows north. The grid goes round in both directions; but places on its
 * very east and north borders are in a column and a row beyond it, and stay there where that coordinate does
 * not change.
 */
export function neighbour({ column, row, steps }: Cell, east: number, north: number): Cell {
  const size = 2 ** steps;
  return {
    column: east === 0 ? column : (column + east + size) % size,
    row: north === 0 ? row : (row + north + size) % size,
    steps,
  };
}

/** The hashes in a cell: from the first up to, not including, the last. */
export function hashRange(cell: Cell): { from: number; to: number } {
  const hash = interleave(cell.column, cell.row);
  const width = 4 ** (FULL_STEPS - cell.steps);
  return { from: hash * width, to: (hash + 1) * width };
}

/** The hash of a place within the limits. */
export function encodeGeohash(place: Place): number {
  const { column, row } = cellOf(place, FULL_STEPS);
  return interleave(column, row);
}

/** The middle of the smallest cell that a hash stands for. */
export function decodeGeohash(hash: number): Place {
  const whole = Math.trunc(hash);
  const cell = { column: everyOtherBit(whole, 1), row: everyOtherBit(whole, 0), steps: FULL_STEPS };
  const { west, east, south, north } = areaOf(cell);
  return {
    longitude: clamp((west + east) / 2, LONGITUDE_LIMIT),
    latitude: clamp((south + north) / 2, LATITUDE_LIMIT),
  };
}

function clamp(degrees: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, degrees));
}

const HALF_BITS = 13;
const HALF = 1 << HALF_BITS;
const TWO_26 = 2 ** 26;

/** Alternates the bits of two numbers of 27 bits at most; the lowest is the row's. */
function interleave(column: number, row: number): number {
  const low = spread(column & (HALF - 1)) * 2 + spread(row & (HALF - 1));
  const high = spread(column >>> HALF_BITS) * 2 + spread(row >>> HALF_BITS);
  return high * TWO_26 + low;
}

/** Puts a zero between the bits of a number of 16 bits. */
function spread(n: number): number {
  let bits = n;
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** The bits 0, 2, 4 ... of a hash, or, with `first` 1, the bits 1, 3, 5 ... */
function everyOtherBit(hash: number, first: 0 | 1): number {
  const high = Math.floor(hash / TWO_26);
  const low = hash - high * TWO_26;
  return gather(high >>> first) * HALF + gather(low >>> first);
}

/** Undoes `spread`. */
function gather(n: number): number {
  let bits = n & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';
const POLE = 90;
const TEXT_LENGTH = 11;
const CHARACTER_BITS = 5;

/**
 * The geohash of a place as people write it, 11 characters. Its grid reaches to the poles, unlike that of the
 * numbers. Ten characters hold 50 of the 52 bits; the eleventh is always 0.
 */
export function geohashText({ longitude, latitude }: Place): string {
  const column = indexOf(longitude, LONGITUDE_LIMIT, FULL_STEPS);
  const row = indexOf(latitude, POLE, FULL_STEPS);
  const hash = interleave(column, row);
  let text = '';
  for (let i = 1; i < TEXT_LENGTH; i++) {
    text += ALPHABET[Math.floor(hash / 2 ** (2 * FULL_STEPS - CHARACTER_BITS * i)) % 32];
  }
  return `${text}0`;
}

export const EARTH_RADIUS_METERS = 6372797.560856;

export function radians(degrees: number): number {
  return degrees * (Math.PI / 180);
}

/** Metres between two places, by the haversine formula on a sphere. */
export function distanceMeters(a: Place, b: Place): number {
  const across = Math.sin((radians(b.longitude) - radians(a.longitude)) / 2);
  if (across === 0) return meridianMeters(a.latitude, b.latitude);
  const from = radians(a.latitude);
  const to = radians(b.latitude);
  const along = Math.sin((to - from) / 2);
  const chord = along * along + Math.cos(from) * Math.cos(to) * across * across;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.sqrt(chord));
}

/** Metres between two latitudes on one meridian. */
export function meridianMeters(a: number, b: number): number {
  return EARTH_RADIUS_METERS * Math.abs(radians(b) - radians(a));
}
