#!/usr/bin/env node
import './node-modules.js';
import './engine.js';
import { CompiledProgram } from './compiled-program.js';

const folder = new URL('.', import.meta.url);
const program = new CompiledProgram<typeof import('./process.js')>(folder, 'process');
// Bundled as CommonJS, which has no top-level await.
void program.exports.run(process.argv.slice(2)).then((serves) => {
  if (serves) program.keepCompiled();
});
