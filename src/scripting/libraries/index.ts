import type { LuaState } from '../lua/lua-state.js';

export function openLibraries(_lua: LuaState): void {}
