import { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { type FoundPlace, type Shape, searchShape } from '../values/geo-search.js';
import { decodeGeohash, LATITUDE_LIMIT, LONGITUDE_LIMIT, type Place } from '../values/geohash.js';
import type { SortedSet } from '../values/sorted-set.js';
import { TreeSortedSet } from '../values/tree-sorted-set.js';
import { ArgumentReader } from './arguments.js';
import type { Call } from './command.js';
import { readSortedSet, replyStored } from './sorted-set-values.js';

const metersByUnit: Record<string, number> = { m: 1, km: 1000, ft: 0.3048, mi: 1609.34 };

/** How many metres the unit that an argument names has. Throws CommandError. */
export function unitArgument(argument: Bytes): number {
  for (const [unit, meters] of Object.entries(metersByUnit)) if (argument.is(unit)) return meters;
  throw new CommandError('ERR unsupported unit provided. please use M, KM, FT, MI');
}

/** Two arguments as a place. Throws CommandError. */
export function placeArguments(longitude: Bytes, latitude: Bytes): Place {
  const place = { longitude: coordinate(longitude), latitude: coordinate(latitude) };
  if (Math.abs(place.longitude) <= LONGITUDE_LIMIT && Math.abs(place.latitude) <= LATITUDE_LIMIT)
    return place;
  const shown = [place.longitude, place.latitude].map(sixDecimals).join(',');
  throw new CommandError(`ERR invalid longitude,latitude pair ${shown}`);
}

function coordinate({ buffer, start, end }: Bytes): number {
  const degrees = parseDouble(buffer, start, end);
  if (degrees === undefined) throw new CommandError(errors.notFloat);
  return degrees;
}

/** As C's `%f`. */
function sixDecimals(n: number): string {
  if (!Number.isFinite(n)) return n < 0 ? '-inf' : 'inf';
  return Math.abs(n) < 1e21 ? n.toFixed(6) : `${BigInt(n)}.000000`;
}

/** A distance as replies have it. */
export function replyDistance(reply: ReplyWriter, distance: number): void {
  reply.text(distance.toFixed(4));
}

/** A place as two doubles with 17 decimals, without zeros at the end. */
export function replyPlace(reply: ReplyWriter, { longitude, latitude }: Place): void {
  reply.array(2);
  for (const degrees of [longitude, latitude]) reply.double(degrees.toFixed(17).replace(/\.?0+$/, ''));
}

/** The forms of a search, which differ in where its arguments stand and in what it may do with the result. */
interface Form {
  /** Argument with the key that is searched. */
  source: number;
  /** Argument that the options begin at. */
  options: number;
  center: 'coordinates' | 'member' | 'option';
  /** Whether it stores: never; with the options STORE and STOREDIST; always, under argument 1. */
  stores: 'never' | 'by option' | 'always';
}

const readOnly = 'never' as const;
export const forms = {
  georadius: { source: 1, options: 6, center: 'coordinates', stores: 'by option' },
  georadius_ro: { source: 1, options: 6, center: 'coordinates', stores: readOnly },
  georadiusbymember: { source: 1, options: 5, center: 'member', stores: 'by option' },
  georadiusbymember_ro: { source: 1, options: 5, center: 'member', stores: readOnly },
  geosearch: { source: 1, options: 2, center: 'option', stores: readOnly },
  geosearchstore: { source: 2, options: 3, center: 'option', stores: 'always' },
} as const satisfies Record<string, Form>;

/** What is searched, without its centre; in metres. */
type Extent = { kind: 'circle'; radius: number } | { kind: 'box'; width: number; height: number };

interface SearchOptions {
  /** Undefined also if the member is not to be found because there is no key. */
  center: Place | undefined;
  centerBy: 'member' | 'place' | undefined;
  extent: Extent | undefined;
  /** Metres of the unit that distances are given in. */
  unit: number;
  withDistance: boolean;
  withHash: boolean;
  withPlace: boolean;
  /** 0: all. */
  count: number;
  /** The first that are found will do. */
  any: boolean;
  order: 'none' | 'ascending' | 'descending';
  destination: Bytes | undefined;
  storesDistance: boolean;
}

/** GEOSEARCH and all that are like it. */
export function search(call: Call, form: Form): void {
  const set = readSortedSet(call, call.args[form.source]);
  const options = readSearch(call, form, set);
  const found = set === undefined ? [] : findPlaces(set, options);
  if (options.destination === undefined) replyFound(call.reply, found, options);
  else storeFound(call, form, options.destination, found, options);
}

function findPlaces(set: SortedSet, options: SearchOptions): FoundPlace[] {
  const { center, extent, count, any } = options;
  if (center === undefined || extent === undefined) return [];
  const shape: Shape = { center, ...extent };
  const found = searchShape(set, shape, any ? count : Number.POSITIVE_INFINITY);
  const sorts = options.order !== 'none' || (count > 0 && !any);
  if (sorts) {
    const sign = options.order === 'descending' ? -1 : 1;
    found.sort((a, b) => sign * (a.distance - b.distance));
  }
  return count === 0 ? found : found.slice(0, count);
}

function replyFound(reply: ReplyWriter, found: FoundPlace[], options: SearchOptions): void {
  const { withDistance, withHash, withPlace, unit } = options;
  const extras = Number(withDistance) + Number(withHash) + Number(withPlace);
  reply.array(found.length);
  for (const { member, score, place, distance } of found) {
    if (extras > 0) reply.array(extras + 1);
    reply.text(member);
    if (withDistance) replyDistance(reply, distance / unit);
    if (withHash) reply.integer(score);
    if (withPlace) replyPlace(reply, place);
  }
}

function storeFound(
  call: Call,
  form: Form,
  destination: Bytes,
  found: FoundPlace[],
  options: SearchOptions,
): void {
  const built = new TreeSortedSet(call.database.keyspace);
  for (const { member, score, distance } of found) {
    built.insert(Bytes.of(member), options.storesDistance ? distance / options.unit : score);
  }
  const event = form.stores === 'always' ? 'geosearchstore' : 'georadiusstore';
  replyStored(call, destination, built, event, found.length);
}

function readSearch(call: Call, form: Form, set: SortedSet | undefined): SearchOptions {
  const { args, argc } = call;
  const options: SearchOptions = {
    center: undefined,
    centerBy: undefined,
    extent: undefined,
    unit: 1,
    withDistance: false,
    withHash: false,
    withPlace: false,
    count: 0,
    any: false,
    order: 'none',
    destination: form.stores === 'always' ? args[1] : undefined,
    storesDistance: false,
  };
  if (form.center !== 'option') readFixedCircle(call, form, set, options);
  const reader = new ArgumentReader(args, argc, form.options);
  while (!reader.done) {
    const known =
      takeReplyOption(reader, options) ||
      takeStoreOption(reader, form, options) ||
      (form.center === 'option' && takeShapeOption(reader, set, options));
    if (!known) throw new CommandError(errors.syntax);
  }
  checkSearch(call, form, options);
  return options;
}

/** Centre and radius of GEORADIUS and GEORADIUSBYMEMBER, which come before the options. */
function readFixedCircle(call: Call, form: Form, set: SortedSet | undefined, options: SearchOptions): void {
  const { args } = call;
  if (form.center === 'coordinates') options.center = placeArguments(args[2], args[3]);
  else if (set === undefined) return;
  else options.center = placeOf(set, args[2]);
  readCircle(args[form.options - 2], args[form.options - 1], options);
}

/** Throws CommandError if the set does not have the member. */
function placeOf(set: SortedSet, member: Bytes): Place {
  const score = set.find(member);
  if (Number.isNaN(score)) throw new CommandError('ERR could not decode requested zset member');
  return decodeGeohash(score);
}

function readCircle(radius: Bytes, unit: Bytes, options: SearchOptions): void {
  const given = length(radius, 'radius');
  if (given < 0) throw new CommandError('ERR radius cannot be negative');
  options.unit = unitArgument(unit);
  options.extent = { kind: 'circle', radius: given * options.unit };
}

function readBox(width: Bytes, height: Bytes, unit: Bytes, options: SearchOptions): void {
  const wide = length(width, 'width');
  const high = length(height, 'height');
  if (wide < 0 || high < 0) throw new CommandError('ERR height or width cannot be negative');
  options.unit = unitArgument(unit);
  options.extent = { kind: 'box', width: wide * options.unit, height: high * options.unit };
}

function length({ buffer, start, end }: Bytes, name: string): number {
  const number = parseDouble(buffer, start, end);
  if (number === undefined) throw new CommandError(`ERR need numeric ${name}`);
  return number;
}

function takeReplyOption(reader: ArgumentReader, options: SearchOptions): boolean {
  if (reader.take('withdist')) options.withDistance = true;
  else if (reader.take('withhash')) options.withHash = true;
  else if (reader.take('withcoord')) options.withPlace = true;
  else if (reader.take('any')) options.any = true;
  else if (reader.take('asc')) options.order = 'ascending';
  else if (reader.take('desc')) options.order = 'descending';
  else if (reader.left > 1 && reader.take('count')) {
    options.count = reader.long();
    if (options.count <= 0) throw new CommandError(errors.countBelowOne);
  } else return false;
  return true;
}

function takeStoreOption(reader: ArgumentReader, { stores }: Form, options: SearchOptions): boolean {
  if (stores === 'always' && reader.take('storedist')) {
    options.storesDistance = true;
    return true;
  }
  if (stores !== 'by option' || reader.left < 2) return false;
  if (reader.take('store')) options.storesDistance = false;
  else if (reader.take('storedist')) options.storesDistance = true;
  else return false;
  options.destination = reader.next();
  return true;
}

function takeShapeOption(
  reader: ArgumentReader,
  set: SortedSet | undefined,
  options: SearchOptions,
): boolean {
  // The same option may come again, and the last one counts.
  const { centerBy } = options;
  const extent = options.extent?.kind;
  if (centerBy !== 'place' && reader.left > 1 && reader.take('frommember')) {
    const member = reader.next();
    options.centerBy = 'member';
    options.center = set === undefined ? undefined : placeOf(set, member);
  } else if (centerBy !== 'member' && reader.left > 2 && reader.take('fromlonlat')) {
    options.center = placeArguments(reader.next(), reader.next());
    options.centerBy = 'place';
  } else if (extent !== 'box' && reader.left > 2 && reader.take('byradius')) {
    readCircle(reader.next(), reader.next(), options);
  } else if (extent !== 'circle' && reader.left > 3 && reader.take('bybox')) {
    readBox(reader.next(), reader.next(), reader.next(), options);
  } else return false;
  return true;
}

function checkSearch({ args }: Call, form: Form, options: SearchOptions): void {
  const { withDistance, withHash, withPlace, destination } = options;
  if (destination !== undefined && (withDistance || withHash || withPlace)) {
    const what = form.stores === 'always' ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
    throw new CommandError(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  }
  if (form.center === 'option') {
    const name = args[0].latin1();
    if (options.centerBy === undefined) {
      throw new CommandError(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`);
    }
    if (options.extent === undefined) {
      throw new CommandError(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`);
    }
  }
  if (options.any && options.count === 0)
    throw new CommandError('ERR the ANY argument requires COUNT argument');
}
