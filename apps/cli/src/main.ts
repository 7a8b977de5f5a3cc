#!/usr/bin/env node
import { createProgram, runProgram } from './program.js';
import { addRunCommand } from './run/command.js';

await runProgram(createProgram(addRunCommand));
