import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Client, Connection } from '@temporalio/client'
import { attributes } from '../../workflows/search_attributes.ts'
import { serversOf } from '../../src/temporal/servers_of.ts'

/** The command as people run it: real processes, a real server, a real folder. */
const bin = new URL('../../src/cli/stevedore.js', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'stevedore-e2e-'))
const home = join(folder, 'home')
const running = new Set<ChildProcess>()

interface Ended {
  code: number | null
  out: string
  err: string
}

function stevedore(
  args: string[],
  onOut: (text: string, child: ChildProcess) => void = () => undefined,
  onErr: (child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  const env = { ...process.env, NODE_OPTIONS: '' }
  const child = spawn(process.execPath, [bin, ...args, '--home', home], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    onOut(out, child)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    onErr(child)
  })
  return new Promise((resolve) =>
    child.once('close', (code) => {
      running.delete(child)
      resolve({ code, out, err })
    }),
  )
}

function job(name: string, transfer: Record<string, unknown> = {}): string {
  const side = (which: string): unknown => ({
    connection: { platform: { id: 'fs' }, auth: { root: join(folder, name, which) } },
    target: { path: '/' },
  })
  const file = join(folder, `${name}.json`)
  writeFileSync(
    file,
    JSON.stringify({
      name,
      kind: 'transfer',
      transfer: { transfer_type: 'copy', source: side('old'), destination: side('new'), ...transfer },
    }),
  )
  return file
}

function tree(name: string, files: Record<string, string>): void {
  for (const side of ['old', 'new']) mkdirSync(join(folder, name, side), { recursive: true })
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, 'old', path, '..'), { recursive: true })
    writeFileSync(join(folder, name, 'old', path), content)
    utimesSync(join(folder, name, 'old', path), 1_500_000_000, 1_500_000_000)
  }
}

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort()
}

const summaryOf = (out: string): Record<string, unknown> =>
  JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>

/** A server program that has to be built first takes minutes. */
const long = 600_000

beforeAll(() => {
  tree('share', { 'a.txt': 'one', 'Ünï/b c.txt': 'two', 'Ünï/deep/empty.txt': '' })
})
afterAll(async () => {
  for (const child of running) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

describe('stevedore', () => {
  test(
    'runs a job, finds nothing to do the second time, explains an item, and finds both sides equal',
    async () => {
      const file = job('share')
      const first = await stevedore(['run', file, '--json'])
      expect(first).toMatchObject({ code: 0 })
      expect(summaryOf(first.out)).toMatchObject({
        status: 'completed',
        balanced: true,
        found: { items: 5, containers: 2 },
      })
      expect(filesIn(join(folder, 'share/new'))).toEqual(filesIn(join(folder, 'share/old')))
      expect(readFileSync(join(folder, 'share/new/Ünï/b c.txt'), 'utf8')).toBe('two')
      expect(statSync(join(folder, 'share/new/a.txt')).mtimeMs).toBe(1_500_000_000_000)

      const second = await stevedore(['run', file])
      expect(second.code).toBe(0)
      expect(second.out).toMatch(/^Run 2 of "share" found nothing to do/)

      const explained = await stevedore(['explain', 'share', 'Ünï/b c.txt'])
      expect(explained.out).toContain('done: it arrived as it is')
      expect((await stevedore(['explain', 'share', 'no/such'])).code).toBe(2)

      expect((await stevedore(['verify', 'share'])).code).toBe(0)
      writeFileSync(join(folder, 'share/new/a.txt'), 'eno')
      const tampered = await stevedore(['verify', 'share'])
      expect(tampered.code).toBe(1)
      expect(tampered.out).toContain('a.txt')
    },
    long,
  )

  test(
    'Ctrl-C pauses and says how to go on; the same command goes on with the same run, and everything arrives',
    async () => {
      const many = 8_000
      tree(
        'many',
        Object.fromEntries(Array.from({ length: many }, (_, i) => [`${i % 40}/file ${i}.txt`, `content of ${i}`])),
      )
      const file = job('many', { performance: { parallel_writes: { requested: 1 } } })
      let asked: NodeJS.Timeout | undefined
      const begun = await stevedore(['run', file, '--json'], (out, child) => {
        if (out.includes('"started"') && !asked) asked = setTimeout(() => child.kill('SIGINT'), 300)
      })
      expect(begun.code).toBe(130)
      expect(begun.err).toContain(`run --home ${home} ${file}`)
      expect(filesIn(join(folder, 'many/new')).length).toBeLessThan(many)

      const resumed = await stevedore(['run', file, '--json'])
      expect(resumed.code).toBe(0)
      expect(summaryOf(resumed.out)).toMatchObject({
        execution: 1,
        status: 'completed',
        balanced: true,
        found: { items: many + 40 },
      })
      expect(filesIn(join(folder, 'many/new'))).toEqual(filesIn(join(folder, 'many/old')))
    },
    long,
  )

  test(
    'Ctrl-C while it is still starting ends with 130, says how to go on, and leaves no server; a run needs no reader of standard error',
    async () => {
      tree('early', { 'a.txt': 'one' })
      const file = job('early', { timestmaps: true })
      const starting = stevedore(['run', file])
      while (!existsSync(join(home, 'holder.json'))) await sleep(5)
      for (const child of running) child.kill('SIGINT')
      const { code, err } = await starting
      expect(code).toBe(130)
      expect(err).toContain(`Interrupted. To go on: npx stevedore run --home ${home} ${file}`)
      expect(serversOf({ temporal: join(home, 'temporal.db') })).toEqual([])
      // Whoever reads standard error may have seen enough by then.
      const { code: whole, out } = await stevedore(['run', file], undefined, (child) => child.stderr?.destroy())
      expect([whole, out]).toEqual([0, expect.stringMatching(/^Run 1 of "early" completed/)])
    },
    long,
  )

  test(
    'a Temporal server that is killed in the middle is started again, and the run ends as if nothing had been',
    async () => {
      tree('bereft', Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`d${i % 20}/f${i}.txt`, `${i}`])))
      let killed = false
      const { code, out } = await stevedore(['run', job('bereft'), '--json'], (soFar) => {
        if (killed || !soFar.includes('"started"')) return
        killed = true
        for (const pid of serversOf({ temporal: join(home, 'temporal.db') })) process.kill(pid, 'SIGKILL')
      })
      expect(killed).toBe(true)
      expect(code).toBe(0)
      expect(summaryOf(out)).toMatchObject({ found: { items: 420 }, balanced: true })
    },
    long,
  )

  test(
    'killed as soon as it has begun, the same command goes on with the same run',
    async () => {
      tree('killed', { 'a.txt': 'one', 'b/c.txt': 'two' })
      const file = job('killed')
      const killed = await stevedore(['run', file, '--json'], (out, child) => {
        if (out.includes('"started"')) child.kill('SIGKILL')
      })
      expect(killed.code).toBeNull()
      const again = await stevedore(['run', file, '--json'])
      expect(again.err).toBe('')
      expect(again.code).toBe(0)
      expect(summaryOf(again.out)).toMatchObject({ found: { items: 3 }, balanced: true })
      expect(filesIn(join(folder, 'killed/new'))).toEqual(['a.txt', 'b/c.txt'])
    },
    long,
  )

  test(
    'runs a job that has a schedule of its own, whoever of the two begins it',
    async () => {
      tree('auto', { 'a.txt': 'one' })
      const document = JSON.parse(readFileSync(job('auto'), 'utf8')) as Record<string, unknown>
      const schedule = { mode: 'auto', repeat_interval: { value: 1, unit: 'h' } }
      writeFileSync(join(folder, 'auto.json'), JSON.stringify({ ...document, schedule }))
      for (const execution of [1, 2]) {
        const ran = await stevedore(['run', join(folder, 'auto.json'), '--json'])
        expect(ran).toMatchObject({ code: 0, err: '' })
        expect(summaryOf(ran.out)).toMatchObject({ execution })
      }
    },
    long,
  )

  test(
    'a second up on a home is told who serves it and where, and opens nothing itself',
    async () => {
      let first: { web_ui: string; api: string } | undefined
      let second: Promise<Ended> | undefined
      const up = await stevedore(['up', '--port', '0', '--json'], (out, child) => {
        if (second || !out.includes('\n')) return
        first = JSON.parse(out) as typeof first
        second = stevedore(['up', '--port', '0'])
        void second.then(() => child.kill('SIGTERM'))
      })
      expect(up.code).toBe(0)
      const refused = await second!
      expect(refused.code).toBe(3)
      expect(refused.err).toMatch(/served already by process \d+/)
      expect(refused.err).toContain(`API ${first!.api}/v1`)
    },
    long,
  )

  test(
    'scripts/start-job.ts starts a job on a server that is there, waits for it, and refuses what could do harm',
    async () => {
      tree('scripted', { 'a.txt': 'one' })
      const script = new URL('../../scripts/start-job.ts', import.meta.url).pathname
      const startJob = (address: string, file: string): SpawnSyncReturns<string> =>
        spawnSync(process.execPath, [script, file], {
          env: { ...process.env, NODE_OPTIONS: '', TEMPORAL_ADDRESS: address, STEVEDORE_HOME: home },
          encoding: 'utf8',
        })
      let started: SpawnSyncReturns<string>[] | undefined
      let shown: Promise<unknown> | undefined
      // As the product itself shows a job, and finds it.
      const describe = async (address: string, text: string): Promise<unknown> => {
        const connection = await Connection.connect({ address })
        const client = new Client({ connection, namespace: 'stevedore' })
        const id = /workflow (job\/[0-9a-f]{32}) /.exec(text)?.[1] ?? ''
        const description = await client.workflow.getHandle(id).describe()
        const { typedSearchAttributes: found } = description
        const summary = await description.staticSummary()
        await connection.close()
        return { summary, source: found.get(attributes.source), status: found.get(attributes.status) }
      }
      await stevedore(['up', '--port', '0', '--json'], (out, child) => {
        if (started || !out.includes('\n')) return
        const { temporal } = JSON.parse(out) as { temporal: string }
        const jobs = [job('scripted'), job('scripted harm', { permissions: 'diff' })]
        started = [
          startJob('localhost:1', jobs[0]!),
          ...[jobs[0]!, jobs[0]!, jobs[1]!].map((file) => startJob(temporal, file)),
        ]
        shown = describe(temporal, started[1]!.stdout).finally(() => child.kill('SIGTERM'))
      })
      expect(await shown).toEqual({ summary: 'scripted: fs → fs', source: 'fs', status: 'idle' })
      const [unreached, whole, again, refused] = started!
      expect(unreached).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/localhost:1\b.*TEMPORAL_ADDRESS/),
      })
      expect(whole).toMatchObject({ status: 0, stdout: expect.stringContaining("sentence: '1 found") })
      expect(readFileSync(join(folder, 'scripted/new/a.txt'), 'utf8')).toBe('one')
      expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('npx stevedore job start "scripted"') })
      expect(refused).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^transfer\.permissions\.policy: permissions are not taken away/m),
      })
    },
    long,
  )

  test(
    'refuses a job that could do harm, and a source that is not there, with 3',
    async () => {
      expect((await stevedore(['run', job('harm', { permissions: 'diff' })])).code).toBe(3)
      const gone = await stevedore(['run', job('gone')])
      expect(gone.code).toBe(3)
      expect(gone.out + gone.err).toMatch(/does not exist|is gone|no such/i)
    },
    long,
  )
})
