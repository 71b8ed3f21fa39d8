/** The prelude's name as a source of code. */
export const preludeSource = '@prelude';

/**
 * What of the sandbox is better said in Lua. It gets a table of host functions:
 *
 * - `isNative(f)`: f is a C or host function, which cannot be interrupted in its middle; also raises an error if calls
 *   are nested too deep;
 * - `interrupted()`: the last suspension came from outside, to let other clients have their turn.
 *
 * Lua 5.1 cannot suspend a script under a C function, and `pcall` is one. So protected calls run in a coroutine of
 * their own, and what is suspended there is passed on outwards; likewise through the script's own coroutines.
 */
export const prelude = `
local host = ...
local isNative, interrupted = host.isNative, host.interrupted
local create, resume, yield, status = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status
local nativePcall, type, rawget, error, concat, loadstring = pcall, type, rawget, error, table.concat, loadstring

-- An error table of redis.call becomes its text.
local function outcome(ok, value, ...)
  if not ok and type(value) == 'table' then
    local text = rawget(value, 'err')
    if type(text) == 'string' then return false, text end
  end
  return ok, value, ...
end

local function protected(co, ok, ...)
  if ok and status(co) == 'suspended' then return protected(co, resume(co, yield(...))) end
  return ok, ...
end

function pcall(f, ...)
  if isNative(f) then return outcome(nativePcall(f, ...)) end
  local co = create(f)
  return outcome(protected(co, resume(co, ...)))
end

local function handled(handler, ok, ...)
  if ok then return ok, ... end
  return false, handler(...)
end

function xpcall(f, handler)
  if isNative(f) then return handled(handler, nativePcall(f)) end
  local co = create(f)
  return handled(handler, protected(co, resume(co)))
end

local function passed(co, ok, ...)
  if ok and status(co) == 'suspended' and interrupted() then return passed(co, resume(co, yield())) end
  return ok, ...
end

function coroutine.resume(co, ...)
  isNative()
  return passed(co, resume(co, ...))
end

-- 'level' counts the calls back to the one of the wrapped function: each tail call is one.
local function unwrapped(co, level, ok, ...)
  if ok then
    if status(co) == 'suspended' and interrupted() then
      return unwrapped(co, level + 1, resume(co, yield()))
    end
    return ...
  end
  error(..., level)
end

function coroutine.wrap(f)
  local co = create(f)
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
`;
