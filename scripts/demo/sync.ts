/**
 * `npm run demo -- sync`: two folders kept the same by `stevedore run`, while both are written on: edits, a conflict, and a
 * folder that somebody deletes, which waits for a yes. Everything it makes is under `.demo/sync/`.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { runStevedore } from '../rig/processes.ts'
import { eventually } from '../rig/wait.ts'

const folder = resolve('.demo/sync')
const home = join(folder, 'home')
const stevedore = new URL('../../src/cli/stevedore.js', import.meta.url).pathname
const sides = { source: join(folder, 'office'), destination: join(folder, 'archive') }
const shown = (path: string): string => relative('.', path)

export async function demoOfSync(say: (line: string) => void): Promise<number> {
  rmSync(folder, { recursive: true, force: true })
  say('Two folders that people write on, kept the same: transfer_type sync, delete_propagation mirror.\n')
  write('office/plan.txt', 'the plan', 0)
  for (let n = 1; n <= 150; n++) write(`office/old/letter ${n}.txt`, `letter ${n}`, n)
  write('archive/minutes.txt', 'minutes of the meeting', 0)
  const side = (root: string): object => ({
    connection: { platform: { id: 'fs' }, auth: { root } },
    target: { path: '/' },
  })
  const job = join(folder, 'job.json')
  const transfer = {
    transfer_type: 'sync',
    delete_propagation: 'mirror',
    source: side(sides.source),
    destination: side(sides.destination),
  }
  writeFileSync(job, JSON.stringify({ name: 'Both ways', kind: 'transfer', transfer }, undefined, 2))

  say('First run: what each side alone has goes to the other.')
  let code = await run(['run', job])
  if (code !== 0) return code
  say(`  office:  ${list('office')}\n  archive: ${list('archive')}\n`)

  say('Now both are edited: the minutes in the office, the plan in both, in the archive last.')
  write('office/minutes.txt', 'minutes of the meeting, corrected in the office', 1_000)
  write('office/plan.txt', 'the plan, as the office has it now', 1_000)
  write('archive/plan.txt', 'the plan, as the archive has it now, which is newer', 2_000)
  code = await run(['run', job])
  if (code !== 0) return code
  say(`  archive/minutes.txt: ${read('archive/minutes.txt')}`)
  say(`  office/plan.txt:     ${read('office/plan.txt')}`)
  for (const name of readdirSync(sides.source).filter((name) => name.includes('conflict')))
    say(`  office/${name}: ${read(`office/${name}`)}`)

  say('\nSomebody deletes a whole folder in the archive. That much waits for a yes:')
  rmSync(join(sides.destination, 'old'), { recursive: true })
  const running = run(['run', job])
  const plan = await planOf()
  if (plan === undefined) return running
  say(`\n$ npx stevedore job approve "Both ways" --plan ${plan}`)
  await run(['job', 'approve', 'Both ways', '--plan', plan])
  code = await running
  say(`  office:  ${list('office')}\n  archive: ${list('archive')}`)
  say(`\nWhat is known of one file:  npx stevedore explain --home ${shown(home)} "Both ways" plan.txt`)
  return code
}

/** What waits, once the run has come to it. */
async function planOf(): Promise<string | undefined> {
  return eventually(60_000, 500, async () => {
    const { code, stdout } = await runStevedore(['job', 'approve', 'Both ways', '--json'], { home })
    return code === 0 ? (JSON.parse(stdout) as { hash: string }).hash : undefined
  })
}

function run(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [stevedore, ...args, '--home', home], { stdio: 'inherit' })
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
}

function write(path: string, content: string, seconds: number): void {
  const at = join(folder, path)
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, content)
  utimesSync(at, 1_750_000_000 + seconds, 1_750_000_000 + seconds)
}

function read(path: string): string {
  return readFileSync(join(folder, path), 'utf8')
}

function list(side: string): string {
  return readdirSync(join(folder, side)).sort().join(', ')
}
