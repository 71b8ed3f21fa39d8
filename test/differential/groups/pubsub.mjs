import * as g from '../generators.mjs';

const { oneOf, options, times } = g;

/** Few channels, so that subscribers and publishers meet; binary ones too. @type {g.Syntax} */
const channel = oneOf('news', 'news', 'news.1', 'news.2', 'other', 'k\x00\xff\r\n', '');
const pattern = oneOf('news*', 'news.?', 'n*s', '*', 'news', 'o[a-z]her', '\\*', '');
const message = oneOf(g.value, 'hello', 'hello');
/** Which of the connections that listen. */
const listener = oneOf('0', '1', '2');

/**
 * What a listener sends: mostly what is allowed to a subscriber, now and then something that RESP2 refuses. @type
 * {g.Syntax}
 */
const subscribing = oneOf(
  ['SUBSCRIBE', times(1, 3, channel)],
  ['SUBSCRIBE', times(1, 3, channel)],
  ['PSUBSCRIBE', times(1, 3, pattern)],
  ['PSUBSCRIBE', times(1, 3, pattern)],
  ['SSUBSCRIBE', times(1, 3, channel)],
  ['UNSUBSCRIBE', times(0, 2, channel)],
  ['PUNSUBSCRIBE', times(0, 2, pattern)],
  ['SUNSUBSCRIBE', times(0, 2, channel)],
  oneOf(['GET', g.key], ['PUBLISH', channel, message], ['SUBSCRIBE'], ['RESET'], ['HELLO', oneOf('2', '3')]),
);

/** @type {import('../groups.mjs').Group} */
export const pubsub = {
  name: 'pubsub',
  commands: {
    '<listen>': { syntax: [listener, oneOf(subscribing, subscribing, [])], exact: true, weight: 3 },
    PUBLISH: { syntax: [channel, message], weight: 3 },
    SPUBLISH: [channel, message],
    'PUBSUB NUMSUB': [times(0, 3, channel)],
    'PUBSUB NUMPAT': [],
    'PUBSUB SHARDNUMSUB': [times(0, 3, channel)],
    'PUBSUB CHANNELS': [options(pattern)],
    'PUBSUB SHARDCHANNELS': [options(pattern)],
    PUBSUB: [oneOf('NOSUCH', 'numsub'), g.junk],
    'CONFIG SET events': {
      syntax: [
        'CONFIG',
        'SET',
        'notify-keyspace-events',
        oneOf('KEA', 'KEA', 'K$lsx', 'Eghz', 'KEn', '', 'KQ'),
      ],
      exact: true,
      spelled: true,
    },
    '<listen> events': {
      syntax: ['<listen>', listener, 'PSUBSCRIBE', oneOf('__key*', '__keyspace@0__:*', '__keyevent@*__:del')],
      exact: true,
      spelled: true,
    },
  },
};
