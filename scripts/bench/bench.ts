import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { endAll, tail } from '../rig/processes.ts'
import { judge, rulesFor, type GateRule } from './gates.ts'
import { readOptions, usage, type Options } from './options.ts'
import { Ours } from './ours.ts'
import { findPeers, type Peers } from './peers.ts'
import { Sitting } from './sitting.ts'
import { full, short } from './sizes.ts'
import { gatesTable, measurementsTable } from './table.ts'

const options = optionsOrLeave()
const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`)
const rules = (
  JSON.parse(readFileSync(new URL('./gates.json', import.meta.url), 'utf8')) as Record<string, GateRule[]>
)[options.short ? 'short' : 'full'] as GateRule[]

process.exitCode = await bench()

async function bench(): Promise<number> {
  const began = performance.now()
  const base = options.short ? short : full
  const sizes = { ...base, pairs: options.pairs ?? base.pairs }
  const peers = findPeers(say)
  const folder = mkdtempSync(join(fastFolder(), 'stevedore-bench-'))
  sayCircumstances(peers, folder)
  const ended = (): void => void endAll().finally(() => process.exit(130))
  process.on('SIGINT', ended).on('SIGTERM', ended)
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, kernel: release(), load: loadavg() }
  const tools = {
    node: process.version,
    ...Object.fromEntries(Object.values(peers).map((peer) => [peer.name, peer.version])),
  }

  let sitting: Sitting | undefined
  let broken: Error | undefined
  try {
    const ours = await Ours.start(folder)
    try {
      sitting = new Sitting({ folder, ours, peers, sizes, say })
      await sitting.run(options.only)
    } finally {
      await ours.end()
    }
  } catch (error) {
    broken = error as Error
    say(`\n${broken.message}\n--- ${join(folder, 'stevedore.log')}\n${tail(join(folder, 'stevedore.log'))}`)
  } finally {
    await endAll()
    if (options.keep || broken) say(`left behind: ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }

  const seconds = (performance.now() - began) / 1000
  const measured = { ...sitting?.measured, 'all seconds': [seconds] }
  const gates = judge(rulesFor(options, rules), measured)
  const passed = gates.filter((gate) => gate.passed).length
  const failed = gates.length - passed + (broken ? 1 : 0)
  const load = loadavg()
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ sizes, machine, tools, measured, gates, seconds, ...(broken ? { broken: broken.message } : {}) }, null, 2)}\n`,
    )
  say('')
  for (const line of measurementsTable(measured)) say(line)
  say('')
  for (const line of gatesTable(gates)) say(line)
  say(`\nload average ${machine.load[0]?.toFixed(2)} before, ${load[0]?.toFixed(2)} after · ${seconds.toFixed(0)} s`)
  say(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

function optionsOrLeave(): Options {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}

/** A disk's mood would be all that is measured. */
function fastFolder(): string {
  const tmpfs = 0x01021994
  const isTmpfs = (path: string): boolean => {
    try {
      return statfsSync(path).type === tmpfs
    } catch {
      return false
    }
  }
  const found = ['/dev/shm', tmpdir()].find(isTmpfs)
  if (found === undefined) say(`warning: no tmpfs here; times in ${tmpdir()} are those of its disk`)
  return found ?? tmpdir()
}

function sayCircumstances(peers: Peers, folder: string): void {
  const load = loadavg().map((n) => n.toFixed(2))
  const versions = [`node ${process.version}`, ...Object.values(peers).map(({ name, version }) => `${name} ${version}`)]
  say(
    `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, load ${load.join(' ')}`,
  )
  say(`${versions.join(' · ')} · in ${folder}`)
  say(
    `${options.short ? 'short' : 'full'}: seconds from submitting the job to its end, the way through Temporal included\n`,
  )
}
