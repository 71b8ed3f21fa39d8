import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { Arena } from '../../src/memory/arena.js';
import { OrderNodes } from '../../src/memory/order-nodes.js';
import { type Shape, searchShape } from '../../src/values/geo-search.js';
import {
  decodeGeohash,
  distanceMeters,
  encodeGeohash,
  geohashText,
  LATITUDE_LIMIT,
  type Place,
} from '../../src/values/geohash.js';
import { TreeSortedSet } from '../../src/values/tree-sorted-set.js';

const palermo = { longitude: 13.361389, latitude: 38.115556 };
const catania = { longitude: 15.087269, latitude: 37.502669 };

const places: fc.Arbitrary<Place> = fc.record({
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  latitude: fc.double({ min: -LATITUDE_LIMIT, max: LATITUDE_LIMIT, noNaN: true }),
});

describe('a geohash', () => {
  it('is the number that the documentation of GEOADD shows', () => {
    expect(encodeGeohash(palermo)).toBe(3479099956230698);
    expect(encodeGeohash(catania)).toBe(3479447370796909);
  });

  it('stands for a cell of less than a metre', () => {
    fc.assert(
      fc.property(places, (place) => {
        expect(distanceMeters(decodeGeohash(encodeGeohash(place)), place)).toBeLessThan(1);
      }),
    );
  });

  it('is the same again when its place is hashed', () => {
    fc.assert(
      fc.property(places, (place) => {
        const hash = encodeGeohash(place);
        fc.pre(hash < 2 ** 52);
        expect(encodeGeohash(decodeGeohash(hash))).toBe(hash);
      }),
    );
  });

  it('has a text form', () => {
    expect(geohashText(decodeGeohash(encodeGeohash(palermo)))).toBe('sqc8b49rny0');
    expect(geohashText(decodeGeohash(encodeGeohash(catania)))).toBe('sqdtr74hyu0');
  });
});

describe('a distance', () => {
  it('is measured on a sphere', () => {
    expect(distanceMeters(palermo, catania)).toBeCloseTo(166274.2, 0);
  });

  it('follows the meridian for equal longitudes', () => {
    expect(distanceMeters({ longitude: 1, latitude: 0 }, { longitude: 1, latitude: 1 })).toBeCloseTo(
      111226.3,
      1,
    );
  });
});

describe('a search', () => {
  const centers = fc.record({
    longitude: fc.double({ min: -179, max: 179, noNaN: true }),
    latitude: fc.double({ min: -70, max: 70, noNaN: true }),
  });
  const near = fc.record({
    east: fc.double({ min: -2, max: 2, noNaN: true }),
    north: fc.double({ min: -2, max: 2, noNaN: true }),
  });

  function setOf(list: Place[]): TreeSortedSet {
    const memory = { arena: new Arena(), orderNodes: new OrderNodes(), seedHigh: 1, seedLow: 2 };
    const set = new TreeSortedSet(memory);
    for (const [i, place] of list.entries()) set.insert(Bytes.of(String(i)), encodeGeohash(place));
    return set;
  }

  it('finds in a circle exactly what is near enough', () => {
    const radii = fc.double({ min: 1, max: 300_000, noNaN: true });
    fc.assert(
      fc.property(centers, fc.array(near, { maxLength: 30 }), radii, (center, offsets, radius) => {
        const list = offsets
          .map(({ east, north }) => ({
            longitude: center.longitude + east,
            latitude: center.latitude + north,
          }))
          .filter(({ longitude }) => Math.abs(longitude) < 180);
        const shape: Shape = { kind: 'circle', center, radius };
        const found = searchShape(setOf(list), shape, Number.POSITIVE_INFINITY).map(({ member }) =>
          Number(member),
        );
        const expected = list.flatMap((place, i) =>
          distanceMeters(center, decodeGeohash(encodeGeohash(place))) <= radius ? [i] : [],
        );
        expect(found.sort((a, b) => a - b)).toEqual(expected);
      }),
    );
  });

  it('stops when it has enough', () => {
    const set = setOf([palermo, catania, palermo]);
    const shape: Shape = { kind: 'circle', center: catania, radius: 1e6 };
    expect(searchShape(set, shape, 2)).toHaveLength(2);
  });

  it('finds in a box what is within half of its sides', () => {
    const center = { longitude: 0, latitude: 0 };
    const at = (longitude: number, latitude: number) => ({ longitude, latitude });
    const set = setOf([at(0.9, 0.4), at(1.1, 0), at(0, 0.6), at(-0.9, -0.4)]);
    const shape: Shape = { kind: 'box', center, width: 222_000, height: 111_000 };
    const found = searchShape(set, shape, Number.POSITIVE_INFINITY).map(({ member }) => member);
    expect(found.sort()).toEqual(['0', '3']);
  });
});
