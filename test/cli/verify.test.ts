import { Readable } from 'node:stream'
import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { runCli } from '../../src/cli/program.ts'
import { openStevedoreHome } from '../../src/open_home/open_home.ts'
import { aTree } from '../transfer/a_tree.ts'
import { accountMapTo, Rig, type Job } from '../transfer/rig.ts'

const isRoot = process.geteuid?.() === 0
const rig = new Rig()
afterAll(() => rig.close())

async function verify(job: Job, ...options: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(['verify', job.id, ...options, '--home', rig.home.path], {
    terminal: {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      interactive: false,
      colour: false,
      columns: () => 80,
      draw: () => undefined,
      onInterrupt: () => () => undefined,
      input: () => Readable.from([]),
    },
    typed: 'stevedore',
    version: '0.0.0-test',
    openHome: openStevedoreHome,
    serve: () => Promise.reject(new Error('nothing is to be served')),
  })
  return { code, out, err }
}

describe('stevedore verify', () => {
  let job: Job
  beforeAll(async () => {
    job = await rig.job(
      { large_item: 'skip' },
      { source: aTree({ 'a.txt': '2 KB', 'b/c.txt': 'see', 'big.bin': '9 KB' }), to: { auth: { max_size: 5_000 } } },
    )
  })

  test('says that nothing was transferred yet', async () => {
    expect(await verify(job)).toMatchObject({ code: 2, err: [expect.stringMatching(/nothing to verify/)] })
  })

  test('of what is the same ends with 0, and says what was looked at and what was left out', async () => {
    await job.run()
    expect(await verify(job)).toEqual({
      code: 0,
      err: [],
      out: [
        '2 files and 1 folder compared, 2.0 KiB read at the source, 2.0 KiB at the destination',
        expect.stringMatching(/^1 item left out: .*\[too_large\]$/),
        'no differences',
      ],
    })
  })

  test('of what is the same but for what was left out ends with 1 where that counts, and names it', async () => {
    const { code, out } = await verify(job, '--strict')
    expect(code).toBe(1)
    expect(out).toContain('  /big.bin')
    const lines = (await verify(job, '--json')).out.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toContainEqual({
      type: 'left',
      path: '/big.bin',
      destination_path: '/big.bin',
      status: 'skipped',
      reason: 'too_large',
    })
  })

  test('of what is owed ends with 1, with its path, why it is not there and what to do', async () => {
    const owing = await rig.job({}, { source: aTree({ 'd/a': '1', e: '2' }), destination: aTree({ d: 'a file' }) })
    await owing.run()
    const { code, out } = await verify(owing)
    expect(code).toBe(1)
    expect(out).toEqual([
      '/d: owed: flagged for a person: a folder at the source, a file at the destination',
      '/d/a: owed: its folder could not be looked into',
      'kind_differs: Rename or remove one of the two: a file and a folder cannot share a name.',
      expect.stringMatching(
        /^What is owed: stevedore job items --home \S+ 'a job'; tried again by stevedore job retry .*, or left out by .*<path>$/,
      ),
      expect.stringMatching(/^1 file and 0 folders compared/),
      '2 differences',
    ])
    const [first] = (await verify(owing, '--json')).out.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(first).toMatchObject({
      kind: 'owed',
      path: '/d',
      status: 'remediation',
      reason: 'kind_differs',
      remedy: expect.stringMatching(/^Rename or remove/),
    })
  })

  test('of what differs ends with 1, a line for each difference, for programs as JSON', async () => {
    unlinkSync(join(job.destination, 'b/c.txt'))
    writeFileSync(join(job.destination, 'a.txt'), '')
    writeFileSync(join(job.source, 'new\x1b[2J.txt'), '')
    const { code, out } = await verify(job)
    expect(code).toBe(1)
    expect(out).toContain('/b/c.txt: missing: is not at the destination, as /b/c.txt')
    expect(out).toContain('/a.txt: size: 2048 bytes at the source, 0 at the destination')
    expect(out.join('')).not.toContain('\x1b')
    expect(out.at(-1)).toMatch(/^\d differences$/)

    const json = await verify(job, '--json')
    expect(json.code).toBe(1)
    const lines = json.out.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toContainEqual({
      type: 'difference',
      path: '/b/c.txt',
      destination_path: '/b/c.txt',
      kind: 'missing',
      message: 'is not at the destination, as /b/c.txt',
    })
    expect(lines.at(-1)).toMatchObject({
      type: 'verified',
      files: 1,
      folders: 1,
      differences: lines.filter(({ type }) => type === 'difference').length,
      left: [{ status: 'skipped', reason: 'too_large', items: 1 }],
      access_before: 0,
    })
    expect(Object.keys(lines.at(-1)!).filter((key) => /[A-Z]/.test(key))).toEqual([])
  })

  test('of many differences of a kind shows the first, and how many more there are; for programs all', async () => {
    for (let i = 0; i < 400; i++) writeFileSync(join(job.source, `late ${i}.txt`), '')
    const { out } = await verify(job)
    const ofKind = (kind: string): string[] => out.filter((line) => line.includes(`: ${kind}: `))
    expect([ofKind('untracked').length, ofKind('missing').length]).toEqual([20, 1])
    const more = out.filter((line) => line.includes(' more '))
    expect(more).toEqual(['… and 381 more like these: untracked (--json has all of them)'])
    expect(out.at(-1)).toMatch(/^40\d differences$/)

    const lines = (await verify(job, '--json')).out.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.filter(({ kind }) => kind === 'untracked')).toHaveLength(401)
  })
})

;(isRoot ? test : test.skip)(
  'what keeps the owner of an account map that was changed since is counted, and is no difference',
  async () => {
    const job = await rig.job(
      { preserve_owners: true, ...(await accountMapTo(rig, '2')) },
      { source: aTree({ 'a.txt': { is: 'x', uid: 1 }, 'b.txt': { is: 'y', uid: 1 } }) },
    )
    await job.run()
    const before = (out: string[]): string[] => out.filter((line) => line.includes('other maps'))
    expect(before((await verify(job)).out)).toEqual([])
    await job.change(await accountMapTo(rig, '3'))
    const { code, out } = await verify(job)
    expect(code).toBe(0)
    expect(before(out)).toEqual(['2 items with the owner and permissions of other maps or settings, until they change'])
    expect(out.at(-1)).toBe('no differences')
  },
)
