import {
  type Area,
  areaOf,
  type Cell,
  cellOf,
  decodeGeohash,
  distanceMeters,
  EARTH_RADIUS_METERS,
  FULL_STEPS,
  hashRange,
  meridianMeters,
  neighbour,
  type Place,
  radians,
} from './geohash.js';
import type { SortedSet } from './sorted-set.js';

/** What is searched, around a centre; in metres. */
export type Shape =
  | { kind: 'circle'; center: Place; radius: number }
  | { kind: 'box'; center: Place; width: number; height: number };

export interface FoundPlace {
  /** The member's bytes as a latin1 string. */
  member: string;
  /** Its geohash. */
  score: number;
  place: Place;
  /** Metres from the centre. */
  distance: number;
}

/**
 * The members of a sorted set of geohashes that lie in a shape, cell by cell as `searchCells` orders them,
 * and by score within a cell. Stops after `limit`.
 */
export function searchShape(set: SortedSet, shape: Shape, limit: number): FoundPlace[] {
  const found: FoundPlace[] = [];
  for (const cell of searchCells(shape)) {
    if (found.length >= limit) break;
    const { from, to } = hashRange(cell);
    set.visitRanks(set.countBelow(from, false), set.countBelow(to, false), false, (member, score) => {
      if (found.length >= limit) return;
      const place = decodeGeohash(score);
      const distance = distanceWithin(shape, place);
      if (distance !== undefined) found.push({ member: member.latin1(), score, place, distance });
    });
  }
  return found;
}

/** Metres from the centre of a shape to a place, or undefined if the place lies outside. */
function distanceWithin(shape: Shape, place: Place): number | undefined {
  const { center } = shape;
  if (shape.kind === 'box') {
    if (meridianMeters(place.latitude, center.latitude) > shape.height / 2) return undefined;
    const across = distanceMeters(place, { longitude: center.longitude, latitude: place.latitude });
    return across > shape.width / 2 ? undefined : distanceMeters(center, place);
  }
  const distance = distanceMeters(center, place);
  return distance > shape.radius ? undefined : distance;
}

// East and north of the cell with the centre. The order is Redis's: clients see it where they ask for none.
const around = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

/** Up to nine cells that cover a shape: the one with its centre, and those around it which it reaches. */
function searchCells(shape: Shape): Cell[] {
  const { center } = shape;
  const reach = boundsOf(shape);
  let steps = estimateSteps(outerRadius(shape), center.latitude);
  let middle = cellOf(center, steps);
  if (steps > 1 && !neighboursCover(middle, reach)) middle = cellOf(center, --steps);
  const area = areaOf(middle);
  // Of a grid of two by two every cell is needed.
  const wanted = around.filter(([east, north]) => steps < 2 || reaches(area, reach, east, north));
  return withoutRepetitions(wanted.map(([east, north]) => neighbour(middle, east, north)));
}

/** True if a shape's bounds reach beyond the middle cell's area on the side where a neighbour is. */
function reaches(area: Area, bounds: Area, east: number, north: number): boolean {
  if (east > 0 && area.east > bounds.east) return false;
  if (east < 0 && area.west < bounds.west) return false;
  if (north > 0 && area.north > bounds.north) return false;
  return !(north < 0 && area.south < bounds.south);
}

/** In a coarse grid neighbours on both sides can be the same cell. */
function withoutRepetitions(cells: Cell[]): Cell[] {
  return cells.filter((cell, i) => {
    const before = i > 1 ? cells[i - 1] : undefined;
    return before === undefined || before.column !== cell.column || before.row !== cell.row;
  });
}

function neighboursCover(middle: Cell, bounds: Area): boolean {
  return (
    areaOf(neighbour(middle, 0, 1)).north >= bounds.north &&
    areaOf(neighbour(middle, 0, -1)).south <= bounds.south &&
    areaOf(neighbour(middle, 1, 0)).east >= bounds.east &&
    areaOf(neighbour(middle, -1, 0)).west <= bounds.west
  );
}

/** The radius of the circle around a shape. */
function outerRadius(shape: Shape): number {
  return shape.kind === 'circle' ? shape.radius : Math.hypot(shape.width / 2, shape.height / 2);
}

/** The borders of a shape. A degree of longitude is shortest on the side nearer to the pole. */
function boundsOf(shape: Shape): Area {
  const { longitude, latitude } = shape.center;
  const circle = shape.kind === 'circle';
  const up = degrees((circle ? shape.radius : shape.height / 2) / EARTH_RADIUS_METERS);
  const nearPole = latitude < 0 ? latitude - up : latitude + up;
  const half = circle ? shape.radius : shape.width / 2;
  const aside = degrees(half / EARTH_RADIUS_METERS / Math.cos(radians(nearPole)));
  return {
    west: longitude - aside,
    east: longitude + aside,
    south: latitude - up,
    north: latitude + up,
  };
}

function degrees(angle: number): number {
  return angle / (Math.PI / 180);
}

/** Half the way round the earth on a Mercator map, in metres. */
const MERCATOR_LIMIT = 20037726.37;

/**
 * Halvings of the grid after which a cell and its neighbours still cover a circle. Cells are narrow near the
 * poles.
 */
function estimateSteps(radius: number, latitude: number): number {
  if (radius === 0) return FULL_STEPS;
  let steps = -1;
  for (let reach = radius; reach < MERCATOR_LIMIT; reach *= 2) steps++;
  const distance = Math.abs(latitude);
  if (distance > 66) steps--;
  if (distance > 80) steps--;
  return Math.min(FULL_STEPS, Math.max(1, steps));
}
