import * as g from '../generators.mjs';

const { oneOf, optional, options, times } = g;

/** Few streams, so that commands meet. @type {g.Syntax} */
const stream = oneOf('s', 's', 's', 't', 't', 'a', 'none');
const group = oneOf('g', 'g', 'g', 'h', 'h', 'nogroup');
const consumer = oneOf('alice', 'bob', 'carol\x00');

/** Small ones, so that they are found; never an ID that depends on the time. @type {g.Syntax} */
const id = oneOf(
  (random) => `${random.integer(0, 30)}-${random.integer(0, 3)}`,
  (random) => `${random.integer(0, 30)}`,
  (random) => `${random.integer(10, 60)}-${random.integer(0, 9)}`,
);
const edgeId = oneOf(
  ...[
    '0',
    '0-0',
    '0-1',
    '18446744073709551615',
    '18446744073709551615-18446744073709551615',
    '5-18446744073709551615',
  ],
  ...[
    '18446744073709551615-18446744073709551614',
    '18446744073709551616',
    '5-18446744073709551616',
    '9007199254740993-1',
  ],
  ...[
    '',
    '-',
    '+',
    '-1',
    '5-',
    '-5',
    '5-x',
    'x',
    '5-5-5',
    '05-01',
    ' 5',
    '5 ',
    '+5',
    '5--01',
    '5--1',
    '5-+1',
    '(5',
    '$',
    '>',
  ],
  ...['4294967296-4294967295', '4294967295-4294967296', '1.5', '1e3', '*-1', '5-**', '5\x006'],
);
/** XREAD takes `+` since 7.4, the oracle does not. @type {g.Syntax} */
const readableId = (random) => g.words(edgeId, random).map((text) => (text === '+' ? 'x' : text));
const anyId = oneOf(id, id, id, id, id, edgeId);
const newId = oneOf(id, id, id, (random) => `${random.integer(0, 60)}-*`, edgeId);
const start = oneOf('-', '-', id, id, (random) => `(${g.words(id, random)}`, edgeId);
const end = oneOf('+', '+', id, id, (random) => `(${g.words(id, random)}`, edgeId);
const count = oneOf(g.integerIn(0, 5), g.integerIn(1, 20), g.integerIn(-3, 3), g.edgeNumber);

/** Up to 2^53: beyond, counters are not exact here. @type {g.Syntax} */
const progress = oneOf(g.integerIn(-2, 20), g.integerIn(0, 200), '9007199254740991', 'x', '1.5', '');

const element = oneOf('a', 'b', '1', '-77', '', 'x'.repeat(70), '9223372036854775807', '\x00\xff', g.value);
const fields = oneOf(
  ['f', element],
  ['f', element],
  ['f', element, 'g', element],
  ['f', element, 'g', element],
  times(1, 3, element, element),
);
const threshold = oneOf(
  ['MAXLEN', optional(oneOf('~', '=', '~')), oneOf(g.integerIn(0, 30), g.integerIn(0, 30), g.edgeNumber)],
  ['MINID', optional(oneOf('~', '=')), anyId],
);
const trimming = [threshold, optional(oneOf(['LIMIT', g.integerIn(0, 40)], [], [], ['LIMIT', g.edgeNumber]))];

/** Never long, for a client that waits holds up the comparison; never 0. */
const block = optional('BLOCK', oneOf('1', '2', '1', 'x', '-1', ''));
/** @param {g.Syntax} ids @returns {g.Syntax} as many keys as IDs, mostly */
const streams = (ids) => (random) => {
  const count = random.integer(1, 3);
  const keys = g.words(times(count, count, stream), random);
  const positions = g.words(times(count, count, ids), random);
  return ['STREAMS', ...keys, ...(random.chance(0.03) ? positions.slice(1) : positions)];
};
/**
 * A command of which a bent form could wait, or name an ID by the time. @param {g.Syntax} syntax @param {number}
 * [weight]
 */
const exact = (syntax, weight = 1) => ({ syntax, weight, exact: true });

/** @type {import('../groups.mjs').Group} */
export const streamsGroup = {
  name: 'streams',
  commands: {
    XADD: exact([stream, optional(oneOf('NOMKSTREAM', trimming, trimming)), newId, fields], 8),
    'XADD bent': exact([
      'XADD',
      stream,
      options('NOMKSTREAM', trimming, ['LIMIT', '3']),
      newId,
      times(0, 3, element),
    ]),
    XLEN: [stream],
    XRANGE: { syntax: [stream, start, end, optional('COUNT', count)], weight: 3 },
    XREVRANGE: { syntax: [stream, end, start, optional('COUNT', count)], weight: 3 },
    XDEL: { syntax: [stream, times(1, 4, anyId)], weight: 3 },
    XTRIM: { syntax: [stream, trimming], weight: 2 },
    XSETID: exact([
      stream,
      oneOf('61-0', '62', '61-5', 'x'),
      options(
        ['ENTRIESADDED', oneOf(g.integerIn(0, 200), g.integerIn(50, 200), progress)],
        ['MAXDELETEDID', anyId],
      ),
    ]),
    'XSETID again': exact(['XSETID', oneOf('none', 'str'), anyId]),
    XREAD: exact([options(['COUNT', count], block), streams(oneOf(id, id, id, '$', readableId))], 3),
    'XREAD bent': exact([
      'XREAD',
      options(['COUNT', count], 'NOACK', ['GROUP', group, consumer]),
      streams(id),
    ]),
    'XGROUP CREATE': exact(
      [
        stream,
        group,
        oneOf('$', '0', '0', anyId),
        options('MKSTREAM', 'MKSTREAM', ['ENTRIESREAD', progress]),
      ],
      3,
    ),
    'XGROUP SETID': [stream, group, oneOf('$', '0', '-', anyId), optional('ENTRIESREAD', progress)],
    'XGROUP DESTROY': [stream, group],
    'XGROUP CREATECONSUMER': { syntax: [stream, group, consumer], weight: 2 },
    'XGROUP DELCONSUMER': [stream, group, consumer],
    XREADGROUP: exact(
      [
        ['GROUP', group, consumer],
        options(['COUNT', count], block, 'NOACK'),
        streams(oneOf('>', '>', '>', '>', id, '0', edgeId)),
      ],
      8,
    ),
    XACK: { syntax: [stream, group, times(1, 4, anyId)], weight: 3 },
    XPENDING: {
      syntax: [
        stream,
        group,
        optional(optional('IDLE', oneOf('0', '100000000')), start, end, count, optional(consumer)),
      ],
      weight: 3,
    },
    XCLAIM: {
      syntax: [
        stream,
        group,
        consumer,
        oneOf('0', '0', '0', '100000000', '-1', g.edgeNumber),
        times(1, 4, anyId),
        options(
          ['IDLE', oneOf('0', '1000', g.edgeNumber)],
          ['TIME', oneOf('0', '1', '1000000000000', g.edgeNumber)],
          ['RETRYCOUNT', oneOf(g.integerIn(0, 9), '-1', '9223372036854775807', 'x')],
          'FORCE',
          'JUSTID',
          ['LASTID', anyId],
        ),
      ],
      weight: 3,
    },
    XAUTOCLAIM: {
      syntax: [
        stream,
        group,
        consumer,
        oneOf('0', '0', '0', '100000000', '-1', 'x'),
        start,
        options(['COUNT', oneOf(count, g.integerIn(1, 5))], 'JUSTID'),
      ],
      weight: 2,
    },
    'XINFO STREAM': [stream, optional('FULL', optional('COUNT', oneOf(count, '0')))],
    'XINFO GROUPS': [stream],
    'XINFO CONSUMERS': [stream, group],
    'XINFO STREAM of one': {
      syntax: ['XINFO', 'STREAM', stream, 'FULL', 'COUNT', '0'],
      spelled: true,
      weight: 4,
    },
    'XINFO NONE': [stream],
    'XGROUP NONE': [stream, group],
    'DEBUG DIGEST-VALUE': [stream],
    'COPY stream': { syntax: ['COPY', stream, stream, optional('REPLACE')], spelled: true },
    'DEL stream': { syntax: ['DEL', stream], spelled: true },
    'SET str': { syntax: ['SET', oneOf('str', 'a'), 'x'], spelled: true },
  },
  scenarios: [history, nodes, future],
};

/** A consumer group from its beginning to its end. @param {import('../random.mjs').Random} random */
function history(random) {
  const some = () => String(random.integer(1, 12));
  const ids = () => Array.from({ length: random.integer(1, 4) }, some);
  const reader = () => random.pick(['alice', 'bob']);
  const commands = [
    ['DEL', 's'],
    ['XGROUP', 'CREATE', 's', 'g', '0', 'MKSTREAM'],
  ];
  for (const name of ['alice', 'bob', 'carol\x00'])
    commands.push(['XGROUP', 'CREATECONSUMER', 's', 'g', name]);
  for (let n = 1; n <= 12; n++) commands.push(['XADD', 's', String(n), 'f', String(n)]);
  for (let step = random.integer(4, 14); step > 0; step--) {
    commands.push(
      random.pick([
        ['XREADGROUP', 'GROUP', 'g', reader(), 'COUNT', some(), 'STREAMS', 's', '>'],
        ['XREADGROUP', 'GROUP', 'g', reader(), 'COUNT', some(), 'STREAMS', 's', some()],
        ['XREADGROUP', 'GROUP', 'g', reader(), 'NOACK', 'COUNT', '2', 'STREAMS', 's', '>'],
        ['XACK', 's', 'g', ...ids()],
        ['XDEL', 's', ...ids()],
        [
          'XCLAIM',
          's',
          'g',
          reader(),
          '0',
          ...ids(),
          ...random.pick([['FORCE'], ['JUSTID'], ['RETRYCOUNT', '7'], []]),
        ],
        ['XAUTOCLAIM', 's', 'g', reader(), '0', some(), 'COUNT', some()],
        ['XTRIM', 's', 'MINID', some()],
        ['XGROUP', 'SETID', 's', 'g', some(), ...random.pick([[], ['ENTRIESREAD', some()]])],
        ['XGROUP', 'DELCONSUMER', 's', 'g', reader()],
      ]),
      ['XPENDING', 's', 'g'],
      ['XINFO', 'GROUPS', 's'],
    );
  }
  return [
    ...commands,
    ['XINFO', 'STREAM', 's', 'FULL', 'COUNT', '0'],
    ['XPENDING', 's', 'g', '-', '+', '20'],
  ];
}

/**
 * Nodes of other sizes, trimmed from the beginning and full of holes. @param {import('../random.mjs').Random} random
 */
function nodes(random) {
  const commands = [
    ['CONFIG', 'SET', 'stream-node-max-entries', random.pick(['1', '3', '10', '0'])],
    ['CONFIG', 'SET', 'stream-node-max-bytes', random.pick(['0', '100', '1000', '4096'])],
    ['DEL', 't'],
  ];
  const length = random.integer(10, 60);
  for (let n = 1; n <= length; n++)
    commands.push(['XADD', 't', String(n), random.pick(['f', 'f', 'g']), 'x'.repeat(n)]);
  for (let step = random.integer(1, 8); step > 0; step--) {
    const some = String(random.integer(1, length));
    commands.push(
      random.pick([
        ['XDEL', 't', some],
        ['XTRIM', 't', 'MAXLEN', '~', some],
        ['XTRIM', 't', 'MAXLEN', some],
        ['XTRIM', 't', 'MINID', '~', some, 'LIMIT', '7'],
        ['XADD', 't', 'MAXLEN', '~', some, 'LIMIT', some, `${length + 1}-*`, 'f', 'v'],
        ['XRANGE', 't', some, '+', 'COUNT', '3'],
        ['XREVRANGE', 't', some, '-', 'COUNT', '3'],
      ]),
      ['XINFO', 'STREAM', 't'],
    );
  }
  return [
    ...commands,
    ['XRANGE', 't', '-', '+'],
    ['CONFIG', 'SET', 'stream-node-max-entries', '100'],
    ['CONFIG', 'SET', 'stream-node-max-bytes', '4096'],
  ];
}

/**
 * IDs that the server chooses, where the time does not matter: the last one is ahead of it. @param
 * {import('../random.mjs').Random} random
 */
function future(random) {
  const last = random.pick([
    '9999999999999-5',
    '9999999999999-18446744073709551615',
    '18446744073709551615-18446744073709551614',
  ]);
  return [
    ['DEL', 'f'],
    ['XADD', 'f', last, 'a', 'b'],
    ['XADD', 'f', '*', 'a', 'b'],
    ['XADD', 'f', '*', 'a', 'b', 'c', 'd'],
    ['XADD', 'f', '9999999999999-*', 'a', 'b'],
    ['XRANGE', 'f', '-', '+'],
    ['XINFO', 'STREAM', 'f'],
    ['XREAD', 'STREAMS', 'f', last],
    ['DEL', 'f'],
  ];
}
