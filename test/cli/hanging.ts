import { openSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { leave } from '../../src/cli/leave.ts'
import { processTerminal } from '../../src/cli/terminal.ts'

/** A process with a thread that hangs in a system call: it opens a pipe that nobody writes into. */
const [pipe = '', graceMs = '0'] = process.argv.slice(2)
if (isMainThread) {
  new Worker(new URL(import.meta.url), { workerData: pipe })
  processTerminal({ graceMs: Number(graceMs) }).onInterrupt((times) => {
    if (times > 1) leave(130)
  })
  process.once('exit', () => process.stdout.write('told'))
  setTimeout(() => process.stdout.write('ready\n'), 200)
} else openSync(workerData as string, 'r')
