#!/usr/bin/env node
import './node-modules.js';
import './engine.js';
import { CompiledProgram } from './compiled-program.js';

// A terminal that is closed, and the one by which Node opens its debugger to every user of the machine. Windows ends a
// process whose console is closed, whatever it does: see process.ts.
if (process.platform !== 'win32')
  for (const signal of ['SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => {});

const folder = new URL('.', import.meta.url);
const program = new CompiledProgram<typeof import('./process.js')>(folder, 'process');
// Bundled as CommonJS, which has no top-level await.
void program.exports.run(process.argv.slice(2)).then((serves) => {
  if (serves) program.keepCompiled();
});
