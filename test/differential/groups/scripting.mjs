import * as g from '../generators.mjs';

/**
 * Runs commands that its arguments hold, each with its number of words in front. Replies stand in an array, as those of
 * EXEC do. `sequence.mjs` makes such scripts out of commands of all groups.
 */
export const WRAPPER = `local replies, at = {}, 1
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  replies[#replies + 1] = redis.pcall(unpack(ARGV, at + 1, at + words))
  at = at + words + 1
end
return replies`;

/** @param {string[][]} commands */
export function wrapped(commands) {
  return ['EVAL', WRAPPER, '0', ...commands.flatMap((words) => [String(words.length), ...words])];
}

/** The commands that a wrapping script runs; undefined of another command. @param {string[]} command */
export function unwrapped(command) {
  if (command[1] !== WRAPPER) return undefined;
  const commands = [];
  for (let at = 3; at < command.length; ) {
    const end = at + 1 + Number(command[at]);
    commands.push(command.slice(at + 1, end));
    at = end;
  }
  return commands;
}

const script = g.oneOf(
  'return {KEYS, ARGV}',
  "return redis.call('get', KEYS[1])",
  "return redis.call('type', KEYS[1])",
  "return redis.pcall('incr', KEYS[1])",
  "redis.call('set', KEYS[1], ARGV[1]) return redis.call('strlen', KEYS[1])",
  "redis.setresp(3) return redis.call('hlen', KEYS[1])",
  'return tonumber(ARGV[1])',
  'return {1, {2, {3, "x"}}, false, true, {ok = "fine"}, {err = "ERR no"}}',
  'error({err = "MY error"})',
  'return foo',
  'return +',
  '#!lua flags=no-writes\nreturn redis.call("set", KEYS[1], "x")',
  '#!lua flags=what\nreturn 1',
  'return cjson.encode({ARGV[1], 1.5, {a = cjson.null}})',
  'return {pcall(redis.call, "lpush", KEYS[1], "x")}',
);
const call = [g.oneOf('1', '1', '1', '0', '2', g.junk), g.key, g.value];
const library = g.oneOf('alpha', 'beta', 'gamma');
const code = g.oneOf(
  "#!lua name=alpha\nredis.register_function('alpha', function(k, a) return redis.call('get', k[1]) end)",
  "#!lua name=beta\nredis.register_function{function_name='beta', callback=function(k, a) return {k, a} end, flags={'no-writes'}}",
  "#!lua name=gamma\nredis.register_function('alpha', function() return 1 end)",
  '#!lua name=beta\nreturn 1',
  '#!lua name=beta\nreturn +',
  'return 1',
);

/** @type {import('../groups.mjs').Group} */
export const scripting = {
  name: 'scripting',
  commands: {
    EVAL: { syntax: [script, ...call], weight: 2 },
    EVAL_RO: [script, ...call],
    EVALSHA: [g.oneOf('fd758d1589d044dd850a6f05d52f2eefd27f033f', g.junk), ...call],
    'SCRIPT LOAD': [script],
    'SCRIPT EXISTS': [g.times(1, 2, g.oneOf('fd758d1589d044dd850a6f05d52f2eefd27f033f', g.junk))],
    'SCRIPT FLUSH': [g.optional(g.oneOf('SYNC', 'ASYNC', 'x'))],
    'SCRIPT KILL': [],
    FCALL: [g.oneOf(library, 'nosuch'), ...call],
    FCALL_RO: [g.oneOf(library, 'nosuch'), ...call],
    'FUNCTION LOAD': [g.optional('REPLACE'), code],
    'FUNCTION DELETE': [library],
    'FUNCTION STATS': [],
    'FUNCTION KILL': [],
    'FUNCTION FLUSH': [g.optional(g.oneOf('SYNC', 'ASYNC', 'x'))],
  },
};
