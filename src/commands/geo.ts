import type { Bytes } from '../bytes/bytes.js';
import { CommandError, errors } from '../protocol/errors.js';
import { decodeGeohash, distanceMeters, encodeGeohash, geohashText, type Place } from '../values/geohash.js';
import { type Call, type CommandSpec, type KeySpec, oneKey, type PropagatedArgument } from './command.js';
import { forms, placeArguments, replyDistance, replyPlace, search, unitArgument } from './geo-search.js';
import type { FoundKey } from './keys-of.js';
import { AddOption, addScored, scoreBuffer } from './sorted-set-add.js';
import { destinationAnd } from './sorted-set-specs.js';
import { readSortedSet } from './sorted-set-values.js';

const units = '<M | KM | FT | MI>';
const shows = '[WITHCOORD] [WITHDIST] [WITHHASH]';
const limits = '[COUNT count [ANY]]';
const order = '[ASC | DESC]';
const stores = '[STORE storekey | STOREDIST storedistkey]';
const shape = `<FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius ${units} | BYBOX width height ${units}>`;
const upperCase: [string, string] = ['7.0.0', 'Units may be in upper case.'];
const any: [string, string] = ['6.2.0', '`COUNT` takes `ANY`.'];

const about = { group: 'geo' as const };
const searches = {
  ...about,
  complexity: 'O(N+log(M)) with N members in the cells around the shape, and M members.',
};
const byRadius = 'the `BYRADIUS` argument';
const byMember = 'the `BYRADIUS` and `FROMMEMBER` arguments';
const since62 = (replacement: string) => ({ since: '6.2.0', replacedBy: replacement });

/** The key that is searched, and where the result may be stored: after a word from an argument on. */
function sourceAndStore(startFrom: number): KeySpec[] {
  const store = (keyword: string): KeySpec => ({
    flags: 'OW update',
    begin: { keyword, startFrom },
    find: { last: 0, step: 1 },
  });
  return [oneKey('RO access')[0], store('STORE'), store('STOREDIST')];
}

export const geoCommands: CommandSpec[] = [
  {
    ...about,
    name: 'geoadd',
    since: '3.2.0',
    summary: 'Adds places on earth to a sorted set, as geohashes.',
    complexity: 'O(log(N)) for each place, with N members in the sorted set.',
    brief: true,
    syntax: 'key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]',
    flags: ['write', 'denyoom'],
    keys: oneKey('RW update'),
    history: [['6.2.0', 'Takes `CH`, `NX` and `XX`.']],
    handler: geoadd,
  },
  {
    ...about,
    name: 'geodist',
    since: '3.2.0',
    summary: 'Gives the distance between two places.',
    complexity: 'O(1)',
    syntax: 'key member1 member2 [M | KM | FT | MI]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    handler: geodist,
  },
  {
    ...about,
    name: 'geohash',
    since: '3.2.0',
    summary: 'Gives places as geohashes of 11 characters.',
    complexity: 'O(1) for each member.',
    brief: true,
    syntax: 'key [member ...]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    handler: geohash,
  },
  {
    ...about,
    name: 'geopos',
    since: '3.2.0',
    summary: 'Gives longitude and latitude of places.',
    complexity: 'O(1) for each member.',
    brief: true,
    syntax: 'key [member ...]',
    flags: ['readonly'],
    keys: oneKey('RO access'),
    handler: geopos,
  },
  {
    ...searches,
    name: 'georadius',
    since: '3.2.0',
    summary: 'Gives the places within some distance of a point, or stores them.',
    syntax: `key longitude latitude radius ${units} ${shows} ${limits} ${order} ${stores}`,
    types: { storekey: 'key', storedistkey: 'key' },
    flags: ['write', 'denyoom'],
    keys: sourceAndStore(6),
    findKeys: (args, argc) => sourceAndDestination(args, argc, forms.georadius.options),
    history: [any, upperCase],
    deprecated: since62(`\`GEOSEARCH\` and \`GEOSEARCHSTORE\` with ${byRadius}`),
    handler: (call) => search(call, forms.georadius),
  },
  {
    ...searches,
    name: 'georadius_ro',
    since: '3.2.10',
    summary: 'Gives the places within some distance of a point.',
    syntax: `key longitude latitude radius ${units} ${shows} ${limits} ${order}`,
    flags: ['readonly'],
    keys: oneKey('RO access'),
    history: [any],
    deprecated: since62(`\`GEOSEARCH\` with ${byRadius}`),
    handler: (call) => search(call, forms.georadius_ro),
  },
  {
    ...searches,
    name: 'georadiusbymember',
    since: '3.2.0',
    summary: 'Gives the places within some distance of a member, or stores them.',
    syntax: `key member radius ${units} ${shows} ${limits} ${order} ${stores}`,
    types: { storekey: 'key', storedistkey: 'key' },
    flags: ['write', 'denyoom'],
    keys: sourceAndStore(5),
    findKeys: (args, argc) => sourceAndDestination(args, argc, forms.georadiusbymember.options),
    history: [any, upperCase],
    deprecated: since62(`\`GEOSEARCH\` and \`GEOSEARCHSTORE\` with ${byMember}`),
    handler: (call) => search(call, forms.georadiusbymember),
  },
  {
    ...searches,
    name: 'georadiusbymember_ro',
    since: '3.2.10',
    summary: 'Gives the places within some distance of a member.',
    syntax: `key member radius ${units} ${shows} ${limits} ${order}`,
    flags: ['readonly'],
    keys: oneKey('RO access'),
    deprecated: since62(`\`GEOSEARCH\` with ${byMember}`),
    handler: (call) => search(call, forms.georadiusbymember_ro),
  },
  {
    ...searches,
    name: 'geosearch',
    since: '6.2.0',
    summary: 'Gives the places in a circle or a rectangle.',
    syntax: `key ${shape} ${order} ${limits} ${shows}`,
    flags: ['readonly'],
    keys: oneKey('RO access'),
    history: [upperCase],
    handler: (call) => search(call, forms.geosearch),
  },
  {
    ...searches,
    name: 'geosearchstore',
    since: '6.2.0',
    summary: 'Stores the places in a circle or a rectangle under another key.',
    syntax: `destination source ${shape} ${order} ${limits} [STOREDIST]`,
    flags: ['write', 'denyoom'],
    keys: destinationAnd({ last: 0, step: 1 }),
    history: [upperCase],
    handler: (call) => search(call, forms.geosearchstore),
  },
];

/** The key that is searched and the one that the last STORE or STOREDIST names. */
function sourceAndDestination(args: Bytes[], argc: number, firstOption: number): FoundKey[] {
  const found = [{ position: 1, flags: 'RO access' }];
  let position = 0;
  for (let i = firstOption; i < argc - 1; i++) {
    if (args[i].is('store') || args[i].is('storedist')) position = ++i;
  }
  return position === 0 ? found : [...found, { position, flags: 'OW update' }];
}

function optionOf(word: Bytes): number {
  if (word.is('nx')) return AddOption.nx;
  if (word.is('xx')) return AddOption.xx;
  return word.is('ch') ? AddOption.ch : 0;
}

function geoadd(call: Call): void {
  const { args, argc } = call;
  let options = 0;
  let first = 2;
  for (; first < argc; first++) {
    const option = optionOf(args[first]);
    if (option === 0) break;
    options |= option;
  }
  const count = (argc - first) / 3;
  const both = AddOption.nx | AddOption.xx;
  if (count === 0 || !Number.isInteger(count) || (options & both) === both) {
    throw new CommandError(errors.syntax);
  }
  const scores = scoreBuffer(count);
  for (let i = 0; i < count; i++) {
    const at = first + i * 3;
    scores[i] = encodeGeohash(placeArguments(args[at], args[at + 1]));
  }
  const { dirty } = call.database.keyspace;
  addScored(call, options, count, first + 2, 3);
  if (call.propagates && call.database.keyspace.dirty !== dirty) propagateScores(call, first, scores);
}

/** Places are told as the scores that they became, for not every server would make the same of them. */
function propagateScores(call: Call, first: number, scores: Float64Array): void {
  const { args, argc } = call;
  const words: PropagatedArgument[] = ['ZADD', ...args.slice(1, first)];
  for (let i = 0, at = first + 2; at < argc; i++, at += 3) words.push(scores[i], args[at]);
  call.propagateAs(words);
}

function geodist(call: Call): void {
  const { args, argc, reply } = call;
  if (argc > 5) throw new CommandError(errors.syntax);
  const unit = argc === 5 ? unitArgument(args[4]) : 1;
  const [a, b] = placesOf(call, args[1], [args[2], args[3]]);
  if (a === undefined || b === undefined) reply.null();
  else replyDistance(reply, distanceMeters(a, b) / unit);
}

function geohash(call: Call): void {
  const { args, argc, reply } = call;
  const places = placesOf(call, args[1], args.slice(2, argc));
  reply.array(places.length);
  for (const place of places) {
    if (place === undefined) reply.null();
    else reply.text(geohashText(place));
  }
}

function geopos(call: Call): void {
  const { args, argc, reply } = call;
  const places = placesOf(call, args[1], args.slice(2, argc));
  reply.array(places.length);
  for (const place of places) {
    if (place === undefined) reply.nullArray();
    else replyPlace(reply, place);
  }
}

/** Where members are; undefined for those that are not there. */
function placesOf(call: Call, key: Bytes, members: Bytes[]): (Place | undefined)[] {
  const set = readSortedSet(call, key);
  return members.map((member) => {
    const score = set === undefined ? Number.NaN : set.find(member);
    return Number.isNaN(score) ? undefined : decodeGeohash(score);
  });
}
