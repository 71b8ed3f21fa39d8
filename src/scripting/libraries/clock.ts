import type { LuaHost } from './host.js';

/** Pushes a table `os` with nothing but `clock`. `cpuSeconds`: processor time that the process has used. */
export function pushOs(host: LuaHost, L: number, cpuSeconds: () => number): void {
  host.api.lua_createtable(L, 0, 0);
  host.setFunctions(L, {
    clock: (L) => {
      host.api.lua_pushnumber(L, cpuSeconds());
      return 1;
    },
  });
}
