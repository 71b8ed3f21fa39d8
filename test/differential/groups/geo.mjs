import * as g from '../generators.mjs';

const { key, oneOf, options, optional, times } = g;

/** @type {g.Syntax} */
const geoKey = oneOf('geo1', 'geo1', 'geo1', 'geo2', key);
const member = oneOf('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'Palermo', '', 'm'.repeat(65));
/** @param {number} limit @param {number} digits @returns {g.Syntax} */
const degrees = (limit, digits) => (random) => (random.next() * 2 * limit - limit).toFixed(digits);
/** Anywhere, or all in one place. @type {g.Syntax} */
const longitude = oneOf(
  degrees(180, 6),
  (random) => (15 + random.next()).toFixed(6),
  '15',
  '-180',
  '180',
  '181',
  'x',
);
const latitude = oneOf(
  degrees(85, 6),
  (random) => (37 + random.next()).toFixed(6),
  '37',
  '85.05112878',
  '86',
  '-85',
);
const unit = oneOf('m', 'km', 'ft', 'mi', 'KM', 'km', 'miles');
/** @type {g.Syntax} */
const radius = oneOf(
  '0',
  '10',
  '100',
  '1000',
  '5000',
  '20000',
  '1e7',
  '-1',
  (random) => (random.next() * 2000).toFixed(3),
  'x',
);
const shown = options('WITHDIST', 'WITHCOORD', 'WITHHASH');
const count = ['COUNT', g.integerIn(-1, 5), optional('ANY')];
const order = oneOf('ASC', 'DESC');
const from = oneOf(['FROMMEMBER', member], ['FROMLONLAT', longitude, latitude]);
const shape = oneOf(['BYRADIUS', radius, unit], ['BYBOX', radius, radius, unit]);
const store = [oneOf('STORE', 'STOREDIST'), geoKey];

/** @type {import('../groups.mjs').Group} */
export const geo = {
  name: 'geo',
  commands: {
    GEOADD: {
      syntax: [geoKey, options(oneOf('NX', 'XX'), 'CH'), times(1, 5, longitude, latitude, member)],
      weight: 6,
    },
    GEODIST: { syntax: [geoKey, member, member, optional(unit)], weight: 2 },
    GEOHASH: [geoKey, times(0, 3, member)],
    GEOPOS: [geoKey, times(0, 3, member)],
    GEOSEARCH: { syntax: [geoKey, from, shape, shown, options(order, count)], weight: 4 },
    GEOSEARCHSTORE: { syntax: [geoKey, geoKey, from, shape, options(order, count, 'STOREDIST')], weight: 2 },
    GEORADIUS: {
      syntax: [geoKey, longitude, latitude, radius, unit, options(oneOf(shown, store), order, count)],
      weight: 2,
    },
    GEORADIUS_RO: [geoKey, longitude, latitude, radius, unit, options(shown, order, count)],
    GEORADIUSBYMEMBER: {
      syntax: [geoKey, member, radius, unit, options(oneOf(shown, store), order, count)],
      weight: 2,
    },
    GEORADIUSBYMEMBER_RO: [geoKey, member, radius, unit, options(shown, order, count)],
    'ZRANGE geo': { syntax: ['ZRANGE', geoKey, '0', '-1', optional('WITHSCORES')], spelled: true },
  },
};
