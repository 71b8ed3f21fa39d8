#!/usr/bin/env node
import './engine.js';
import { run } from './process.js';

await run(process.argv.slice(2));
