import { describe, expect, it } from 'vitest';
import { connected, startWithClient } from '../support/respite.js';
import { untilBusy } from '../support/waiting.js';

const longest = 60_000;

async function startImpatient() {
  const { redis, server } = await startWithClient({ 'busy-reply-threshold': 50 });
  return { redis, server };
}

/** Runs a script that would never end, and ends it as soon as others are told of it. Returns its error. */
async function killed(script: string): Promise<string> {
  const { redis, server } = await startImpatient();
  const other = await connected(server);
  const result = redis.eval(script, 0).catch((error: Error) => error.message);
  await untilBusy(other);
  expect(await other.script('KILL')).toBe('OK');
  const error = await result; // others may still hear BUSY until then
  expect(await other.ping()).toBe('PONG');
  return String(error);
}

/** Runs a script and returns its error, or reply. */
async function outcome(script: string): Promise<unknown> {
  const { redis } = await startImpatient();
  const result = await redis.eval(script, 0).catch((error: Error) => error.message);
  expect(await redis.eval('return 1', 0)).toBe(1);
  return result;
}

describe('a script that does not end can be killed', () => {
  it.each([
    ['in a comparison of table.sort', 'table.sort({1, 2, 3}, function() while true do end end)'],
    ['in a callback of string.gsub', 'string.gsub("abc", ".", function() while true do end end)'],
    ['in a callback of table.foreach', 'table.foreach({1}, function() while true do end end)'],
    [
      'though it catches errors',
      'while true do pcall(table.sort, {1, 2}, function() while true do end end) end',
    ],
    [
      'in a coroutine',
      'coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()',
    ],
    ['while it digests long strings', 'local s = ("x"):rep(1e6) while true do redis.sha1hex(s) end'],
    ['while it compiles', 'local s = "return " .. ("1+"):rep(1e5) .. "1" while true do loadstring(s) end'],
    ['while it reads long numbers', 'local s = ("1"):rep(1e6) while true do local n = tonumber(s) end'],
    ['while it joins long strings', 'local s = ("1"):rep(1e6) while true do local t = s .. "a" end'],
    [
      'while it compares long strings',
      'local s, t = ("1"):rep(1e6) .. "a", ("1"):rep(1e6) .. "b" while true do local x = s < t end',
    ],
    ['while it encodes', 'local t = {} for i = 1, 1e5 do t[i] = i end while true do cjson.encode(t) end'],
    ['while it collects', 'local t = {} for i = 1, 1e5 do t[i] = {} end while true do collectgarbage() end'],
  ])('%s', async (_, script) => expect(await killed(script)).toMatch(/^ERR Script killed by user/), longest);
});

describe('a script that cannot be suspended where it is ends with an error', () => {
  it.each([
    ['nested repetitions', 'return string.find(("a"):rep(30), ("a*"):rep(30) .. "b")'],
    ['a chain of lazy ones', 'return string.gsub(("a"):rep(3000), (".-"):rep(10) .. "b", "")'],
    ['in vain caught', 'while true do pcall(string.find, ("a"):rep(3000), (".-"):rep(10) .. "b") end'],
    ['brackets without end', 'return string.find(("("):rep(2e6), "%b()")'],
    ['a metamethod', 'return setmetatable({}, { __index = function() while true do end end }).x'],
    [
      'a metamethod that catches errors',
      'local f = function() while true do end end return setmetatable({}, { __index = function() while true do pcall(f) end end }).x',
    ],
    ['an iterator', 'for x in coroutine.wrap(function() while true do end end) do end'],
    [
      'a small table with a long text',
      'local t = {} for i = 1, 60 do t = { t, t } end return cjson.encode(t)',
    ],
  ])(
    '%s',
    async (_, script) => expect(await outcome(script)).toMatch(/Script ended: it ran for too long/),
    longest,
  );
});

describe('arguments', () => {
  it.each([
    ['local t = {1, 2} table.insert(t, 2^32 + 1, 5) return t', [5, 1, 2]],
    ['return #string.rep("a", 2^32 + 3)', 3],
    ['return string.sub("hello", 2, 1e15)', 'ello'],
    ['return string.sub("hello", -1e15, 2)', 'he'],
    ['return {string.byte("ab", -2^40, 2^40)}', [97, 98]],
    ['return {string.find("abab", "a", -2^40)}', [1, 1]],
    ['return {unpack({1, 2}, 2^32 + 1, 2^32 + 2)}', [1, 2]],
    ['return table.concat({1, 2}, ",", 2^32 + 1, 2^32 + 2)', '1,2'],
    ['return table.remove({7, 8, 9}, 2^32 + 1)', 7],
    ['return select(2^32 + 1, 5, 6)', 5],
    ['return string.char(2^32 + 65)', 'A'],
  ])('%s', async (script, reply) => expect(await outcome(script)).toEqual(reply));
});

describe('functions with stand-ins', () => {
  it.each([
    ['local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return t', [3, 2, 1]],
    [
      'local m = { __lt = function(a, b) return a.n < b.n end } local t = {} for i, n in ipairs({2, 3, 1}) do t[i] = setmetatable({ n = n }, m) end table.sort(t) return {t[1].n, t[2].n, t[3].n}',
      [1, 2, 3],
    ],
    ['return {string.gsub("hello world", "o", function(c) return c:upper() end)}', ['hellO wOrld', 2]],
    ['return {string.gsub("abc", "", function() return "-" end)}', ['-a-b-c-', 4]],
    ['return {string.gsub("abc", "^a", function() return "x" end)}', ['xbc', 1]],
    ['return {string.gsub("aaa", "a", function() return "b" end, 2)}', ['bba', 2]],
    ['return {string.gsub("k=v", "(%w)=(%w)", function(a, b) return b .. a end)}', ['vk', 1]],
    ['return {string.gsub("abc", "b*", function(s) return "[" .. s .. "]" end)}', ['[]a[b][]c[]', 4]],
    [
      'return {string.gsub("ab", ".", setmetatable({}, { __index = function(_, k) return k .. k end }))}',
      ['aabb', 2],
    ],
    ['return {string.gsub("a", "a", function() return false end)}', ['a', 1]],
    ['return {table.foreach({5}, function(k, v) return k + v end)}', [6]],
    ['return {table.foreachi({5, 6}, function(k, v) if k == 2 then return v end end)}', [6]],
  ])('%s', async (script, reply) => expect(await outcome(script)).toEqual(reply));

  it.each([
    ['table.sort({1, 2, 3, 4}, function() return true end)', 'invalid order function for sorting'],
    ['table.sort(1, function() end)', "bad argument #1 to 'sort' (table expected, got number)"],
    ['string.gsub("a", "[", function() end)', "malformed pattern (missing ']')"],
    ['string.gsub("a", "a", function() return {} end)', 'invalid replacement value (a table)'],
    ['return string.gsub("a", "a")', "bad argument #3 to 'gsub' (string/function/table expected)"],
  ])('%s', async (script, text) => expect(await outcome(script)).toContain(`ERR user_script:1: ${text}`));
});

it('what a script told the collector is forgotten with it', async () => {
  const { redis } = await startWithClient();
  await redis.eval('collectgarbage("stop") collectgarbage("setpause", 1000)', 0);
  expect(await redis.eval('return collectgarbage("setpause", 200)', 0)).toBe(200);
  const before = await redis.eval('return collectgarbage("count")', 0);
  await redis.eval('for i = 1, 1e6 do local t = {} end', 0);
  const after = await redis.eval('return collectgarbage("count")', 0);
  expect(Number(after)).toBeLessThan(Number(before) + 10_000);
});

it(
  'a reply of more values than there could be disconnects the client only',
  async () => {
    const { redis, server } = await startImpatient();
    redis.options.retryStrategy = () => null;
    const script = 'local t = {1} for i = 1, 40 do t = {t, t} end return t';
    await expect(redis.eval(script, 0)).rejects.toThrow();
    await connected(server);
  },
  longest,
);
