/** The prelude's name as a source of code. */
export const preludeSource = '@prelude';

/**
 * What of the sandbox is better said in Lua. It gets a table of host functions:
 *
 * - `isNative(f)`: f is a C or host function, which cannot be interrupted in its middle; 'stand-in' if it may call
 *   one in Lua in its place; also raises an error if calls are nested too deep;
 * - `interruption()`: after a thread was suspended: nil if it did that itself; if it came from outside, to let other
 *   clients have their turn, 'suspend' the thread that resumed it, too, or 'continue' because that cannot be suspended
 *   there;
 * - `ended()`: the script has to end, and its errors are not to be caught.
 *
 * Lua 5.1 cannot suspend a script under a C function, and `pcall` is one. So protected calls run in a coroutine of
 * their own, and what is suspended there is passed on outwards; likewise through the script's own coroutines.
 * Functions of the standard library that call functions of the script have stand-ins in Lua for the same reason,
 * which the prelude returns: see stand-ins.ts for when they are called.
 */
export const prelude = `
local host = ...
local isNative, interruption, ended = host.isNative, host.interruption, host.ended
local create, resume, yield, status = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status
local nativePcall, type, rawget, error, concat, loadstring = pcall, type, rawget, error, table.concat, loadstring
local rawset, next, getmetatable, floor = rawset, next, getmetatable, math.floor
local find, sub = string.find, string.sub

-- An error table of redis.call becomes its text.
local function outcome(ok, value, ...)
  if not ok then
    if ended() then error(value, 0) end
    if type(value) == 'table' then
      local text = rawget(value, 'err')
      if type(text) == 'string' then return false, text end
    end
  end
  return ok, value, ...
end

local function protected(co, ok, ...)
  if ok and status(co) == 'suspended' then
    if interruption() == 'continue' then return protected(co, resume(co)) end
    return protected(co, resume(co, yield(...)))
  end
  return ok, ...
end

-- A coroutine for a function, also for a native one that has a stand-in.
local function coroutineFor(f, native)
  return create(native and function(...) return f(...) end or f)
end

function pcall(f, ...)
  local native = isNative(f)
  if native == true then return outcome(nativePcall(f, ...)) end
  local co = coroutineFor(f, native)
  return outcome(protected(co, resume(co, ...)))
end

local function handled(handler, ok, ...)
  if ok then return ok, ... end
  if ended() then error((...), 0) end
  return false, handler(...)
end

function xpcall(f, handler)
  local native = isNative(f)
  if native == true then return handled(handler, nativePcall(f)) end
  local co = coroutineFor(f, native)
  return handled(handler, protected(co, resume(co)))
end

local function passed(co, ok, ...)
  if ok then
    if status(co) == 'suspended' then
      local what = interruption()
      if what == 'suspend' then return passed(co, resume(co, yield())) end
      if what == 'continue' then return passed(co, resume(co)) end
    end
  elseif ended() then
    error((...), 0)
  end
  return ok, ...
end

function coroutine.resume(co, ...)
  isNative()
  return passed(co, resume(co, ...))
end

-- 'level' counts the calls back to the one of the wrapped function: each tail call is one.
local function unwrapped(co, level, ok, ...)
  if ok then
    if status(co) == 'suspended' then
      local what = interruption()
      if what == 'suspend' then return unwrapped(co, level + 1, resume(co, yield())) end
      if what == 'continue' then return unwrapped(co, level + 1, resume(co)) end
    end
    return ...
  end
  error(..., level)
end

function coroutine.wrap(f)
  local wrap = create -- its name is in the error
  local co = wrap(f)
  return function(...)
    isNative()
    return unwrapped(co, 3, resume(co, ...))
  end
end

-- Code in pieces; compiled as a whole, for the parts of bytecode would not be recognised.
function load(f, name)
  if type(f) ~= 'function' then
    error("bad argument #1 to 'load' (function expected, got " .. type(f) .. ')', 2)
  end
  local pieces = {}
  while true do
    local piece = f()
    if piece == nil or piece == '' then break end
    if type(piece) ~= 'string' then return nil, 'reader function must return a string' end
    pieces[#pieces + 1] = piece
  end
  return loadstring(concat(pieces), name or '=(load)')
end

-- Sorts t[first] ... t[last] by quicksort around the median of three, with the comparisons and exchanges of the native
-- function in their order, on which depends how equal elements end up. Returns true if 'less' contradicts itself.
local function sortRange(t, first, last, less)
  while first < last do
    if less(t[last], t[first]) then t[first], t[last] = t[last], t[first] end
    if last - first == 1 then return end
    local middle = floor((first + last) / 2)
    if less(t[middle], t[first]) then t[middle], t[first] = t[first], t[middle]
    elseif less(t[last], t[middle]) then t[middle], t[last] = t[last], t[middle] end
    if last - first == 2 then return end
    local pivot = t[middle]
    t[middle], t[last - 1] = t[last - 1], pivot
    local i, j = first, last - 1
    while true do
      i = i + 1
      while less(t[i], pivot) do
        if i > last then return true end
        i = i + 1
      end
      j = j - 1
      while less(pivot, t[j]) do
        if j < first then return true end
        j = j - 1
      end
      if j < i then break end
      t[i], t[j] = t[j], t[i]
    end
    t[last - 1], t[i] = t[i], t[last - 1]
    local from, to
    if i - first < last - i then
      from, to, first = first, i - 1, i + 1
    else
      from, to, last = i + 1, last, i - 1
    end
    if sortRange(t, from, to, less) then return true end
  end
end

-- With metamethods aside, as the native function does it.
local function sortRaw(t, less)
  local raw = {}
  for i = 1, #t do raw[i] = rawget(t, i) end
  local wrong = sortRange(raw, 1, #t, less)
  for i = 1, #t do rawset(t, i, raw[i]) end
  return wrong
end

local function byOperator(a, b) return a < b end

local function standInSort(t, less)
  less = less or byOperator
  local wrong
  if getmetatable(t) == nil then wrong = sortRange(t, 1, #t, less) else wrong = sortRaw(t, less) end
  if wrong then error('invalid order function for sorting', 2) end
end

-- What a match is replaced by: the whole of it, 'first' its first capture.
local function replacement(repl, whole, first, ...)
  local value
  if type(repl) == 'function' then
    if first == nil then value = repl(whole) else value = repl(first, ...) end
  else
    if first == nil then first = whole end
    value = repl[first]
  end
  if not value then return whole end
  local kind = type(value)
  if kind == 'string' or kind == 'number' then return value end
  error('invalid replacement value (a ' .. kind .. ')', 4)
end

-- The last match's end goes on to the next step with the text for it.
local function replaced(text, repl, from, to, ...)
  if from then return from, to, replacement(repl, sub(text, from, to), ...) end
end

local function standInGsub(text, pattern, repl, limit)
  text, pattern = text .. '', pattern .. ''
  limit = limit or #text + 1
  local pieces, count, at, length = {}, 0, 1, #text
  local anchored = sub(pattern, 1, 1) == '^'
  while count < limit do
    local from, to, new = replaced(text, repl, find(text, pattern, at))
    if not from then break end
    count = count + 1
    pieces[#pieces + 1] = sub(text, at, from - 1)
    pieces[#pieces + 1] = new
    if to >= from then
      at = to + 1
    else -- an empty match: the next character stays
      if from <= length then pieces[#pieces + 1] = sub(text, from, from) end
      at = from + 1
    end
    if anchored or at > length + 1 then break end
  end
  if at <= length then pieces[#pieces + 1] = sub(text, at) end
  return concat(pieces), count
end

local function standInForeach(t, f)
  for key, value in next, t do
    local result = f(key, value)
    if result ~= nil then return result end
  end
end

local function standInForeachi(t, f)
  for i = 1, #t do
    local result = f(i, rawget(t, i))
    if result ~= nil then return result end
  end
end

return standInSort, standInForeach, standInForeachi, standInGsub
`;
