import { SystemClock } from '../../src/ambient/clock.js';
import { openLibraries } from '../../src/scripting/libraries/index.js';
import { GcCommand, LuaStatus } from '../../src/scripting/lua/exports.js';
import { LuaState } from '../../src/scripting/lua/lua-state.js';

/**
 * Runs the Lua code that is ARGV[1], an expression or statements, and returns all it returned, or its error, as
 * one text: numbers with 17 digits, tables in the order of `pairs`.
 */
export const describeResults = `
local function show(value, depth)
  local kind = type(value)
  if kind == 'table' then
    if depth > 5 then return '{...}' end
    local parts = {}
    for k, v in pairs(value) do parts[#parts + 1] = '[' .. show(k, depth + 1) .. ']=' .. show(v, depth + 1) end
    return '{' .. table.concat(parts, ',') .. '}'
  end
  if kind == 'string' then return '"' .. value .. '"' end
  if kind == 'number' then return string.format('%.17g', value) end
  if kind == 'function' then return kind end
  return tostring(value)
end
local chunk = loadstring('return ' .. ARGV[1], '@user_script')
if not chunk then chunk = assert(loadstring(ARGV[1], '@user_script')) end
local function showAll(...)
  local parts = {}
  for i = 1, select('#', ...) do parts[i] = show(select(i, ...), 0) end
  return table.concat(parts, ' ')
end
return showAll(pcall(chunk))`;

/** A Lua machine with the standard libraries and Redis's. */
export function libraryMachine(memoryLimit = 128 * 2 ** 20): LuaState {
  const lua = new LuaState(new SystemClock(), memoryLimit);
  lua.openStandardLibraries();
  openLibraries(lua, { cpuSeconds: () => 1.5 });
  return lua;
}

/** What the code's results or error are, as `describeResults` shows them. */
export function evaluate(lua: LuaState, code: string): string {
  lua.setTop(0);
  lua.createTable();
  lua.pushLatin1(code);
  lua.rawSetI(-2, 1);
  lua.setGlobal('ARGV');
  const status = lua.load(Buffer.from(describeResults), '@user_script') || lua.pcall(0, 1);
  const text = lua.toLatin1(-1) ?? 'no text';
  lua.setTop(0);
  if (status === LuaStatus.memoryError) lua.gc(GcCommand.collect);
  return status === LuaStatus.ok ? text : `failed with ${status}: ${text}`;
}

/** A Lua literal of any bytes (latin1). */
export function luaString(bytes: string): string {
  const escaped = Array.from(bytes, (c) => {
    const code = c.charCodeAt(0);
    return code >= 0x20 && code < 0x7f && c !== '"' && c !== '\\' ? c : `\\${String(code).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
