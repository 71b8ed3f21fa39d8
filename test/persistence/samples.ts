const many = Array.from({ length: 700 }, (_, i) => `member:${i}`);
const texts = ['0', '-1', '200', '-40000', '2147483648', '9223372036854775807', '007', '', '\x00\xff\r\n'];
const integers = ['1', '-40000', '2147483648'];

/** A value of every type and encoding: the command that makes it, without the key. */
export const samples: string[][] = [
  ...['', '7', '-129', '70000', '99999999999', 'text', 'x'.repeat(20_000), '\xff'.repeat(100)].map((text) => [
    'SET',
    text,
  ]),
  ['RPUSH', ...texts],
  ['RPUSH', ...many, 'y'.repeat(9000), ...many],
  ['SADD', ...integers.slice(0, 1)],
  ['SADD', ...integers],
  ['SADD', ...texts],
  ['SADD', ...many],
  ['HSET', ...texts.flatMap((text) => [text, `${text}!`])],
  ['HSET', ...many.flatMap((text) => [text, text])],
  ['ZADD', '1', 'a', '-0.1', 'b', 'inf', 'c', '-inf', '5', '1e300', ''],
  ['ZADD', ...many.flatMap((member, i) => [String(i / 7), member])],
];
