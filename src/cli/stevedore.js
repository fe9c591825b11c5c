#!/usr/bin/env node
// Runs under whatever Node started it, so nothing here may be newer than Node 14: it hands over to Node 24.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { flags, prepare } from './launch.js'

const needed = 24
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

// What both the C library and V8 read only when a process starts.
const startsAgain = process.platform === 'linux' && process.env.MALLOC_ARENA_MAX === undefined
prepare(process.env)

if (Number(process.versions.node.split('.')[0]) >= needed) {
  if (startsAgain && process.execve) {
    const args = [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)]
    process.execve(process.execPath, args, process.env)
  }
  await import(pathToFileURL(entry()).href)
} else {
  const node = nearestNode()
  if (node === undefined) {
    console.error(
      `stevedore needs Node ${needed} or newer; this is ${process.versions.node}.\n` +
        'Install it from https://nodejs.org, or run `npm ci` in the repository, which brings its own.',
    )
    process.exit(3)
  }
  // In its own time the child answers Ctrl-C and the like; this process only hands them on and waits.
  const child = spawn(node, [...flags, entry(), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => hand(signal))
  child.on('error', (error) => {
    console.error(`stevedore: ${node} does not start: ${error.message}`)
    process.exit(3)
  })
  child.on('exit', (code, signal) => {
    process.exit(code === null ? (signal === 'SIGINT' || signal === 'SIGTERM' ? 130 : 3) : code)
  })

  // A terminal sends Ctrl-C to the whole group: the child has it already, and two would mean "at once".
  /** @param {NodeJS.Signals} signal */
  function hand(signal) {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
}

/** Published, the types are gone; in the repository Node strips them. */
function entry() {
  const built = join(root, 'dist', 'src', 'cli', 'main.js')
  const source = join(root, 'src', 'cli', 'main.ts')
  return existsSync(source) ? source : built
}

/** The `node` package, in our own node_modules or in those of whoever installed us. */
function nearestNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = root; ; folder = dirname(folder)) {
    for (const at of ['node_modules/node/bin', 'node_modules/.bin'])
      if (existsSync(join(folder, at, name))) return join(folder, at, name)
    if (dirname(folder) === folder) return undefined
  }
}
