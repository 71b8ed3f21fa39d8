#!/usr/bin/env node
import { run } from './process.js';

await run(process.argv.slice(2));
