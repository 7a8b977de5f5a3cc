#!/usr/bin/env node
/** The command line of the package that apps install: it has no stock apps and no sample data to run. */
import { createProgram, runProgram } from './program.js';

await runProgram(createProgram());
