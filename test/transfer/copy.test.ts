import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { aTree, look, many, paths, touched } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const everyKind = aTree({
  'plain.txt': 'hello',
  'empty file': '',
  'large.bin': '3 MB',
  'just one chunk.bin': '512 KB',
  'a/deep/er/still/file.txt': '5 KB',
  'a/before 1970.txt': { is: '1 KB', modified: '1969-07-20T20:17:40.123Z' },
  'a/after 2038.txt': { is: '1 KB', modified: '2040-02-29T12:00:00Z' },
  'an empty folder/': null,
  '.hidden/.also.hidden': 'x',
  'naïve café ☕ 漢字.txt': '1 KB',
  'e\u0301 decomposed': 'x',
  'tab\tnew\nline"quote\'back\\slash': 'x',
  '-rf *': 'x',
  ' spaces ': 'x',
  'CON.txt': 'x',
  'to a folder': { to: 'a' },
  'to nowhere': { to: 'no/such/thing' },
  'a/to a file': { to: '../plain.txt' },
  'old folder/': { modified: '1985-10-26T01:21:00Z' },
})

describe('a copied tree', () => {
  test('is identical: bytes, times before 1970 and after 2038, empty folders, hidden and odd names, links, empty files', async () => {
    const job = await rig.job({}, { source: everyKind })
    const ran = await job.run()
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
    expect(ran).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(ran.found).toBe(look(job.source).size)
    expect(ran.reasons).toEqual({ 'success new': look(job.source).size })
    expect(lstatSync(join(job.destination, 'a/before 1970.txt')).mtimeMs).toBe(Date.parse('1969-07-20T20:17:40.123Z'))
  })

  test('has the links of the source with their own times', async () => {
    const job = await rig.job({}, { source: aTree({ link: { to: 'x', modified: '2001-09-09T01:46:40Z' } }) })
    await job.run()
    expect(look(job.destination).get('link')?.modifiedNs).toBe(1_000_000_000_000_000_000n)
  })

  test('has names that are no UTF-8, two that would look the same included', async () => {
    const job = await rig.job(
      {},
      {
        source: (root) => {
          mkdirSync(root)
          for (const byte of [0xff, 0xfe]) {
            writeFileSync(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([byte])]), `byte ${byte}`)
          }
          const folder = Buffer.concat([Buffer.from(`${root}/folder-`), Buffer.from([0xe9])])
          mkdirSync(folder)
          writeFileSync(Buffer.concat([folder, Buffer.from('/inside')]), 'x')
        },
      },
    )
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(paths(job.destination)).toEqual(paths(job.source))
    expect(paths(job.destination)).toEqual(['bad-\xfe', 'bad-\xff', 'folder-\xe9/', 'folder-\xe9/inside'])
  })

  test('has names that are no UTF-8 as long as the file system takes them', async () => {
    const job = await rig.job(
      {},
      {
        source: (root) => {
          mkdirSync(root)
          // 120 characters of GBK.
          const name = Buffer.from('c4e3'.repeat(120), 'hex')
          writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), 'x')
        },
      },
    )
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(paths(job.destination)).toEqual(paths(job.source))
  })

  test('is written to nowhere by a second run, which says that there is nothing to do', async () => {
    const job = await rig.job({}, { source: everyKind })
    await job.run()
    const before = look(job.destination)
    const again = await job.run()
    expect(touched(before, look(job.destination))).toEqual([])
    expect(again).toMatchObject({ status: 'no_changes', changed: 0, failed: 0 })
    expect(again.found).toBe(look(job.source).size)
    expect(again.sentence).toMatch(/^nothing to do/)
  })

  test('has folder times equal to the source’s, also after later runs wrote into the folders', async () => {
    const job = await rig.job({}, { source: aTree({ 'a/b/c.txt': 'x', 'a/d/e.txt': 'y' }) })
    await job.run()
    writeFileSync(join(job.source, 'a/b/new.txt'), 'new')
    utimesSync(join(job.source, 'a/b'), 1_500_000_000, 1_500_000_000)
    await job.run()
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
    expect(statSync(join(job.destination, 'a/b')).mtimeMs).toBe(1_500_000_000_000)
  })

  test('of thousands of files in many folders is complete, and its counts are those of the source', async () => {
    const job = await rig.job(
      { performance: { parallel_writes: { requested: 5 } } },
      { source: aTree(many(3_000, (n) => `${n % 7}/${n % 41}/f${n}`, '200 B')) },
    )
    const ran = await job.run()
    expect(compareTrees(job.source, job.destination).differences).toEqual([])
    const all = [...look(job.source).values()]
    expect(ran.balance?.found).toEqual({
      items: all.length,
      containers: all.filter(({ kind }) => kind === 'folder').length,
      bytes: 3_000n * 200n,
    })
  })

  test('arrives below a path that is made first, and comes from below one', async () => {
    const job = await rig.job(
      {},
      {
        source: aTree({ 'outside.txt': 'x', 'in/side/a.txt': 'a' }),
        from: { path: '/in/side' },
        to: { path: '/new/place' },
      },
    )
    await job.run()
    expect(paths(job.destination)).toEqual(['new/', 'new/place/', 'new/place/a.txt'])
  })
})

describe('what is no file, folder or link', () => {
  test('is flagged at once and never read: pipes, sockets and devices', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'a' }) })
    execFileSync('mkfifo', [join(job.source, 'pipe')])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(job.source, 'socket'), resolve))
    try {
      const ran = await job.run()
      expect(readdirSync(job.destination)).toEqual(['a.txt'])
      expect(ran.reasons).toEqual({ 'success new': 1, 'remediation special': 2 })
      expect(job.explain('pipe')).toMatchObject({ reason: 'special', why: 'fifo' })
      const again = await job.run()
      expect(again.reasons).toMatchObject({ 'remediation flagged_before': 2 })
      expect(again.status).toBe('no_changes')
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('a link that leads out of the root is carried as a link and never followed', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'a' }) })
    symlinkSync('/etc/passwd', join(job.source, 'out'))
    await job.run()
    expect(look(job.destination).get('out')).toMatchObject({ kind: 'link', target: '/etc/passwd' })
  })

  test('followed links arrive as what they lead to; those that lead outside are flagged', async () => {
    const job = await rig.job(
      {},
      {
        source: aTree({ 'a/file.txt': 'content', 'to file': { to: 'a/file.txt' }, out: { to: '/etc' } }),
        from: { auth: { symlinks: 'follow' } },
      },
    )
    const ran = await job.run()
    expect(ran.reasons).toEqual({ 'success new': 3, 'remediation dead_link': 1 })
    expect(look(job.destination).get('to file')).toMatchObject({ kind: 'file', size: 7 })
    expect(existsSync(join(job.destination, 'out'))).toBe(false)
  })
})
