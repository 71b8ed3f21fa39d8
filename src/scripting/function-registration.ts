import { badName, isValidName } from './header.js';
import { LuaType } from './lua/exports.js';
import type { LuaState } from './lua/lua-state.js';
import { ScriptFlag, scriptFlag } from './script-flags.js';

/** A function of a library, as `redis.register_function` made it known. */
export interface RegisteredFunction {
  name: string;
  description: string | undefined;
  /** Bits of ScriptFlag. */
  flags: number;
  /** Reference to the function in the machine. */
  ref: number;
}

/** A string or a number as text. It is converted from a copy: a key must stay what it is. */
function text(lua: LuaState, index: number): string | undefined {
  if (!lua.isString(index)) return undefined;
  lua.pushValue(index);
  const found = lua.toLatin1(-1);
  lua.pop();
  return found;
}

/**
 * Reads the arguments of `redis.register_function`: a name and a function, or one table with names. Returns the
 * function, or what is wrong.
 */
export function readRegistration(lua: LuaState): RegisteredFunction | string {
  const argc = lua.getTop();
  if (argc < 1 || argc > 2) return 'ERR wrong number of arguments to redis.register_function';
  if (argc === 1) return readNamedArguments(lua);
  const name = text(lua, 1);
  if (name === undefined) return 'ERR first argument to redis.register_function must be a string';
  if (lua.type(2) !== LuaType.function)
    return 'ERR second argument to redis.register_function must be a function';
  return named(lua, { name, description: undefined, flags: 0, ref: lua.ref() });
}

function named(lua: LuaState, registered: RegisteredFunction): RegisteredFunction | string {
  if (isValidName(registered.name)) return registered;
  lua.unref(registered.ref);
  return `ERR ${badName}`;
}

function readNamedArguments(lua: LuaState): RegisteredFunction | string {
  if (lua.type(1) !== LuaType.table) {
    return 'ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).';
  }
  const found: Partial<RegisteredFunction> = {};
  lua.pushNil();
  while (lua.next(1)) {
    const problem = readNamedArgument(lua, found);
    if (problem !== undefined) return problem;
    lua.setTop(2);
  }
  const { name, ref, description, flags = 0 } = found;
  if (name === undefined) return 'ERR redis.register_function must get a function name argument';
  if (ref === undefined) return 'ERR redis.register_function must get a callback argument';
  return named(lua, { name, description, flags, ref });
}

/** Reads a key at 2 with its value at 3. */
function readNamedArgument(lua: LuaState, found: Partial<RegisteredFunction>): string | undefined {
  const key = text(lua, 2)?.toLowerCase();
  if (key === undefined) return 'ERR named argument key given to redis.register_function is not a string';
  switch (key) {
    case 'function_name':
      found.name = text(lua, 3);
      return found.name === undefined
        ? 'ERR function_name argument given to redis.register_function must be a string'
        : undefined;
    case 'description':
      found.description = text(lua, 3);
      return found.description === undefined
        ? 'ERR description argument given to redis.register_function must be a string'
        : undefined;
    case 'callback':
      if (lua.type(3) !== LuaType.function)
        return 'ERR callback argument given to redis.register_function must be a function';
      lua.pushValue(3);
      found.ref = lua.ref();
      return undefined;
    case 'flags':
      if (lua.type(3) !== LuaType.table)
        return 'ERR flags argument to redis.register_function must be a table representing function flags';
      return readFlags(lua, found);
    default:
      return 'ERR unknown argument given to redis.register_function';
  }
}

/** Reads the array of names at 3. */
function readFlags(lua: LuaState, found: Partial<RegisteredFunction>): string | undefined {
  let flags = 0;
  for (let i = 1; ; i++) {
    lua.rawGetI(3, i);
    if (lua.isNoneOrNil(-1)) break;
    const flag = scriptFlag(text(lua, -1) ?? '');
    if (flag === undefined) return 'ERR unknown flag given';
    flags |= flag;
    lua.pop();
  }
  found.flags = flags & ~ScriptFlag.compatible;
  return undefined;
}
