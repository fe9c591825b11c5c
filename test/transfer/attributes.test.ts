import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, linkSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { aTree, look, textAt, touched, type Seen } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
const skipped: string[] = []
afterAll(async () => {
  await rig.close()
  if (skipped.length > 0) console.warn(`${skipped.length} skipped:\n${skipped.join('\n')}`)
})

const isRoot = process.geteuid?.() === 0
const hasAcls = (() => {
  const probe = join(rig.folder, 'probe')
  writeFileSync(probe, '')
  return spawnSync('setfacl', ['-m', 'u:1:r', probe]).status === 0
})()

/** A test that this machine may be unable to carry out; then it is counted and said. */
function testWith(can: boolean, lacking: string, name: string, run: () => Promise<void>): void {
  if (can) test(name, run)
  else skipped.push(`${name} (${lacking})`)
}

const withPermissions = { permissions: { policy: 'add' } }
const withOwnersToo = { ...withPermissions, preserve_owners: true }
const modes = (root: string): Record<string, string> =>
  Object.fromEntries([...look(root)].map(([path, { mode, kind }]) => [path, kind === 'link' ? '' : mode.toString(8)]))
const acl = (path: string): string =>
  execFileSync('getfacl', ['-n', '-p', '-c', path], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '')
    .join(' ')

const tree = aTree({
  'open.txt': { is: 'x', mode: 0o644 },
  'private.txt': { is: 'x', mode: 0o600 },
  'run.sh': { is: 'x', mode: 0o755 },
  'odd.txt': { is: 'x', mode: 0o417 },
  'readonly folder/': { mode: 0o555 },
  'readonly folder/in.txt': { is: 'x', mode: 0o444 },
  'team/': { mode: 0o750 },
  'team/deep/': { mode: 0o711 },
  'team/deep/in.txt': 'x',
})

describe('without permissions nothing is made more open than its source', () => {
  const closed = expect.stringContaining('arrived closed to them')
  const shut = aTree({
    'private.txt': { is: 'x', mode: 0o600 },
    'read-only.txt': { is: 'x', mode: 0o444 },
    'open.txt': { is: 'x', mode: 0o666 },
    'long.bin': { is: '600 KB', mode: 0o600 },
    'whole/': { mode: 0o700 },
    'whole/in.txt': { is: 'x', mode: 0o600 },
    'whole/open.txt': { is: 'x', mode: 0o755 },
    'many/': { mode: 0o711 },
    'many/long.bin': { is: '600 KB', mode: 0o600 },
    'fixed/': { mode: 0o555 },
    'fixed/in.txt': 'x',
  })
  const arrived = {
    'private.txt': '600',
    'read-only.txt': '444',
    'open.txt': '644',
    'long.bin': '600',
    whole: '700',
    'whole/in.txt': '600',
    'whole/open.txt': '644',
    many: '711',
    'many/long.bin': '600',
    fixed: '555',
    'fixed/in.txt': '644',
  }

  test('files and folders get the running account’s own mode, cut down to the source’s, alone and in folders that are new', async () => {
    const job = await rig.job({}, { source: shut })
    const ran = await job.run()
    expect(ran).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(modes(job.destination)).toEqual(arrived)
    expect(ran.warnings).not.toContainEqual(closed)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('a destination root that is made is as closed as the source’s', async () => {
    const job = await rig.job(
      {},
      { source: aTree({ 'in/': { mode: 0o700 }, 'in/a.txt': 'x' }), from: { path: '/in' }, to: { path: '/new/place' } },
    )
    await job.run()
    expect(modes(job.destination)).toMatchObject({ 'new/place': '700' })
  })

  test('a folder is no more open while it is worked in', async () => {
    const job = await rig.job({ timestamps: false }, { source: shut })
    let during: Record<string, string> = {}
    await job.run({ beforeFinishing: () => void (during = modes(job.destination)) })
    expect(during).toMatchObject({ whole: '700', many: '711', fixed: '755' })
    expect(modes(job.destination)).toMatchObject({ fixed: '555' })
  })

  test('what stands at the destination keeps its own mode when it is overwritten', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': { is: 'x', mode: 0o600 } }) })
    await job.run()
    chmodSync(join(job.destination, 'a.txt'), 0o640)
    writeFileSync(join(job.source, 'a.txt'), 'changed')
    await job.run()
    expect(modes(job.destination)).toEqual({ 'a.txt': '640' })
  })

  testWith(
    isRoot,
    'not root',
    'another group gets no more than everyone, and one line says that something is closed by that',
    async () => {
      const job = await rig.job(
        {},
        {
          source: (root) => {
            aTree({
              'theirs.txt': { is: 'x', mode: 0o640 },
              'ours.txt': { is: 'x', mode: 0o640 },
              'd/': { mode: 0o750 },
              'd/e/': { mode: 0o750 },
            })(root)
            for (const path of ['theirs.txt', 'd']) chownSync(join(root, path), 1, 1)
          },
        },
      )
      const { warnings } = await job.run()
      expect(modes(job.destination)).toEqual({ 'theirs.txt': '600', 'ours.txt': '640', d: '700', 'd/e': '750' })
      expect(warnings.filter((warning) => /arrived closed/.test(warning))).toHaveLength(1)
      expect((await job.run()).warnings).not.toContainEqual(closed)
    },
  )

  testWith(hasAcls, 'no POSIX ACLs', 'who was kept out by an ACL, or let in by one, is kept out', async () => {
    const job = await rig.job(
      {},
      {
        source: (root) => {
          aTree({
            'denied.txt': { is: 'x', mode: 0o644 },
            'plain.txt': { is: 'x', mode: 0o644 },
            'd/denied.txt': 'x',
            'named.txt': { is: 'x', mode: 0o600 },
          })(root)
          execFileSync('setfacl', ['-m', 'u:1:---', join(root, 'denied.txt'), join(root, 'd/denied.txt')])
          execFileSync('setfacl', ['-m', 'u:1:r', join(root, 'named.txt')])
        },
      },
    )
    const { warnings } = await job.run()
    expect(modes(job.destination)).toMatchObject({
      'denied.txt': '600',
      'plain.txt': '644',
      'd/denied.txt': '600',
      'named.txt': '600',
    })
    expect(warnings).toContainEqual(closed)
  })

  testWith(isRoot, 'not root', 'nor when owners are carried', async () => {
    const job = await rig.job(
      { preserve_owners: true },
      {
        source: (root) => {
          aTree({ 'a.txt': { is: 'x', mode: 0o640 } })(root)
          chownSync(join(root, 'a.txt'), 1, 1)
        },
      },
    )
    await job.run()
    expect(look(job.destination).get('a.txt')).toMatchObject({ mode: 0o640, uid: 1, gid: 1 })
  })
})

describe('permissions', () => {
  test('arrive as they are: modes of files and folders, of read-only folders too', async () => {
    const job = await rig.job(withPermissions, { source: tree })
    const ran = await job.run()
    expect(ran).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(modes(job.destination)).toEqual(modes(job.source))
    expect((await job.run()).status).toBe('no_changes')
  })

  testWith(
    hasAcls,
    'no POSIX ACLs',
    'take no ACL where owner and group are the same on both sides, nor beside grants to others',
    async () => {
      const job = await rig.job(withPermissions, {
        source: (root) => {
          aTree({ 'a.txt': { is: 'x', mode: 0o640 }, 'd/': { mode: 0o750 }, 'd/b.txt': { is: 'x', mode: 0o660 } })(root)
          aTree({ 'named.txt': { is: 'x', mode: 0o640 } })(root)
          execFileSync('setfacl', ['-m', 'u:1:r', join(root, 'named.txt')])
        },
      })
      await job.run()
      for (const path of ['a.txt', 'd', 'd/b.txt', 'named.txt'])
        expect([path, acl(join(job.destination, path))]).toEqual([path, acl(join(job.source, path))])
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  test('setuid, setgid and sticky bits are dropped, and nobody gains by that', async () => {
    const job = await rig.job(withPermissions, {
      source: aTree({ suid: { is: 'x', mode: 0o4755 }, sgid: { is: 'x', mode: 0o2755 }, 'sticky/': { mode: 0o1777 } }),
    })
    await job.run()
    expect(modes(job.destination)).toEqual({ suid: '755', sgid: '755', sticky: '755' })
    expect((await job.run()).status).toBe('no_changes')
  })

  test('changed alone cost one attribute write and no content byte', async () => {
    const job = await rig.job(withPermissions, { source: tree })
    await job.run()
    const before = look(job.destination)
    chmodSync(join(job.source, 'open.txt'), 0o664)
    chmodSync(join(job.source, 'team/deep'), 0o755)
    const ran = await job.run()
    const after = look(job.destination)
    expect(ran.reasons).toMatchObject({ 'success attributes_changed': 2 })
    expect(ran.balance?.carriedOut?.bytes).toBe(0n)
    expect(touched(before, after)).toEqual(['open.txt', 'team/deep'])
    const same = ({ inode, modifiedNs }: Seen): unknown => ({ inode, modifiedNs })
    expect(same(after.get('open.txt')!)).toEqual(same(before.get('open.txt')!))
    expect(modes(job.destination)).toEqual(modes(job.source))
    expect((await job.run()).status).toBe('no_changes')
  })

  test('changed alone are not set on a file that has other names at the destination: those are somebody’s too', async () => {
    const job = await rig.job(withPermissions, {
      source: aTree({ 'a.txt': { is: 'x', mode: 0o644 } }),
      destination: (root) => {
        aTree({ 'a.txt': { is: 'x', mode: 0o644 }, 'backup/': null })(root)
        linkSync(join(root, 'a.txt'), join(root, 'backup/a.txt'))
      },
    })
    expect((await job.run()).reasons).toEqual({ 'success matched': 1 })
    chmodSync(join(job.source, 'a.txt'), 0o666)
    const before = look(job.destination)
    expect((await job.run()).reasons).toEqual({ 'remediation hard_linked': 1 })
    expect(job.explain('a.txt').why).toBe('it is one of 2 names of one file at the destination')
    expect(await job.run()).toMatchObject({ status: 'no_changes', reasons: { 'remediation flagged_before': 1 } })
    expect(touched(before, look(job.destination))).toEqual([])

    // Without the other name it is the job's to change.
    unlinkSync(join(job.destination, 'backup/a.txt'))
    expect((await job.run()).reasons).toEqual({ 'success attributes_changed': 1 })
    expect(look(job.destination).get('a.txt')?.mode).toBe(0o666)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('changed alone leave a file alone that somebody edited at the destination', async () => {
    const job = await rig.job(withPermissions, { source: aTree({ 'a.txt': { is: 'x', mode: 0o644 } }) })
    await job.run()
    chmodSync(join(job.source, 'a.txt'), 0o600)
    writeFileSync(join(job.destination, 'a.txt'), 'theirs')
    const before = look(job.destination)
    await job.run()
    expect(touched(before, look(job.destination))).toEqual([])
  })

  test('that the source takes back stay, and so do those that somebody gave at the destination', async () => {
    const job = await rig.job(withPermissions, {
      source: aTree({
        'taken.txt': { is: 'x', mode: 0o666 },
        'given.txt': { is: 'x', mode: 0o640 },
        'new.txt': { is: 'old', mode: 0o640 },
        'd/': { mode: 0o750 },
      }),
    })
    await job.run()
    const at = (path: string) => join(job.destination, path)
    for (const path of ['given.txt', 'new.txt']) chmodSync(at(path), 0o646)
    chmodSync(at('d'), 0o751)
    chmodSync(join(job.source, 'taken.txt'), 0o600)
    chmodSync(join(job.source, 'given.txt'), 0o660)
    writeFileSync(join(job.source, 'new.txt'), 'a new content')
    writeFileSync(join(job.source, 'd/new.txt'), 'makes its folder be finished again')
    chmodSync(join(job.source, 'd'), 0o770)
    const ran = await job.run()
    expect(ran).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(modes(job.destination)).toMatchObject({
      'taken.txt': '666',
      'given.txt': '666',
      'new.txt': '646',
      d: '771',
    })
    expect(textAt(job.destination, 'new.txt')).toBe('a new content')
    expect((await job.run()).status).toBe('no_changes')
  })

  testWith(
    hasAcls,
    'no POSIX ACLs',
    'that somebody gave at the destination to named accounts and groups stay beside those of the source',
    async () => {
      const job = await rig.job(withOwnersToo, {
        source: (root) => {
          aTree({
            'changed.txt': { is: 'x', mode: 0o640 },
            'replaced.txt': { is: 'x', mode: 0o640 },
            'd/in.txt': { is: 'x', mode: 0o640 },
          })(root)
          execFileSync('setfacl', ['-m', 'u:1:r', join(root, 'changed.txt'), join(root, 'replaced.txt')])
          execFileSync('setfacl', ['-m', 'u:1:rx,d:u:1:rx', join(root, 'd')])
        },
      })
      await job.run()
      const [changed, replaced, d] = ['changed.txt', 'replaced.txt', 'd'].map((name) => join(job.destination, name))
      execFileSync('setfacl', ['-m', 'u:2:rw,g:3:r', changed!, replaced!])
      execFileSync('setfacl', ['-m', 'u:2:rwx,d:u:2:rwx', d!])
      execFileSync('setfacl', ['-m', 'u:4:r', join(job.source, 'changed.txt')])
      writeFileSync(join(job.source, 'replaced.txt'), 'a new content')
      execFileSync('setfacl', ['-m', 'u:4:rx,d:u:4:rx', join(job.source, 'd')])
      await job.run()
      expect(acl(changed!)).toBe(
        'user::rw- user:1:r-- user:2:rw- user:4:r-- group::r-- group:3:r-- mask::rw- other::---',
      )
      expect(acl(replaced!)).toBe('user::rw- user:1:r-- user:2:rw- group::r-- group:3:r-- mask::rw- other::---')
      expect(acl(d!)).toBe(
        'user::rwx user:1:r-x user:2:rwx user:4:r-x group::r-x mask::rwx other::r-x ' +
          'default:user::rwx default:user:1:r-x default:user:2:rwx default:user:4:r-x default:group::r-x default:mask::rwx default:other::r-x',
      )
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  test('of a folder are set last: until then nobody but the running account gets in', async () => {
    const job = await rig.job(withPermissions, { source: tree })
    let during: Record<string, string> = {}
    await job.run({
      beforeFinishing: () => {
        during = modes(job.destination)
      },
    })
    expect(during).toMatchObject({ team: '700', 'team/deep': '700', 'readonly folder': '700', 'open.txt': '644' })
  })

  test('of folders are set by the next execution when one was stopped before it came to that', async () => {
    const job = await rig.job(withPermissions, { source: tree })
    const cancelling = new AbortController()
    const stopped = await job.run({ signal: cancelling.signal, beforeFinishing: () => cancelling.abort() })
    expect(stopped.status).toBe('cancelled')
    await job.run()
    expect(modes(job.destination)).toEqual(modes(job.source))
    expect(look(job.destination).get('team')?.modifiedNs).toBe(look(job.source).get('team')?.modifiedNs)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('of a destination folder that the job makes are those of the source folder', async () => {
    const job = await rig.job(withPermissions, {
      source: aTree({ 'in/': { mode: 0o755 }, 'in/a.txt': 'x' }),
      from: { path: '/in' },
      to: { path: '/new/place' },
    })
    await job.run()
    expect(modes(job.destination)).toMatchObject({ 'new/place': '755' })
  })

  testWith(
    hasAcls,
    'no POSIX ACLs',
    'grants to named accounts and groups arrive, and cost one attribute write when they change',
    async () => {
      const job = await rig.job(withOwnersToo, {
        source: (root) => {
          aTree({ 'a.txt': { is: 'x', mode: 0o640 }, 'd/in.txt': 'x', 'plain.txt': 'x' })(root)
          execFileSync('setfacl', ['-m', 'u:1:rw,g:2:r', join(root, 'a.txt')])
          execFileSync('setfacl', ['-m', 'u:1:rx,d:u:1:rx', join(root, 'd')])
        },
      })
      await job.run()
      for (const path of ['a.txt', 'd', 'd/in.txt', 'plain.txt'])
        expect([path, acl(join(job.destination, path))]).toEqual([path, acl(join(job.source, path))])
      expect((await job.run()).status).toBe('no_changes')
      execFileSync('setfacl', ['-m', 'u:1:rwx', join(job.source, 'a.txt')])
      const before = look(job.destination)
      const ran = await job.run()
      expect(ran.balance?.carriedOut?.bytes).toBe(0n)
      expect(touched(before, look(job.destination))).toEqual(['a.txt'])
      expect(acl(join(job.destination, 'a.txt'))).toBe(acl(join(job.source, 'a.txt')))
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  testWith(
    hasAcls,
    'no POSIX ACLs',
    'of a folder with an ACL are its own, though another folder shows the same mode',
    async () => {
      const job = await rig.job(withOwnersToo, {
        source: (root) => {
          const shown = Array.from({ length: 6 }, (_, n) => [`plain ${n}/`, { mode: 0o770 }])
          aTree({ ...Object.fromEntries(shown), 'team/': { mode: 0o700 }, 'team/in.txt': 'x' })(root)
          execFileSync('setfacl', ['-m', 'u:1:rwx', join(root, 'team')])
        },
      })
      await job.run()
      expect(modes(job.source)).toMatchObject({ team: '770', 'plain 0': '770' })
      expect(acl(join(job.destination, 'team'))).toBe(acl(join(job.source, 'team')))
      expect(acl(join(job.destination, 'plain 5'))).toBe('user::rwx group::rwx other::---')
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  testWith(
    hasAcls,
    'no POSIX ACLs',
    'that a folder hands down to what is new in it arrive, also to those who may not enter it',
    async () => {
      const job = await rig.job(withOwnersToo, {
        source: (root) => {
          aTree({ 'd/': { mode: 0o750 } })(root)
          execFileSync('setfacl', ['-m', 'd:u:1:rwx,d:g:2:rx', join(root, 'd')])
        },
      })
      await job.run()
      expect(acl(join(job.destination, 'd'))).toBe(acl(join(job.source, 'd')))
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  testWith(
    hasAcls,
    'no POSIX ACLs',
    'never widen where fs-xattr is not installed: a mask is not taken for the rights of a group, nor let through',
    async () => {
      const job = await rig.job(withOwnersToo, {
        source: (root) => {
          const files = {
            masked: { is: 'x', mode: 0o600 },
            team: { is: 'x', mode: 0o640 },
            open: { is: 'x', mode: 0o644 },
          }
          aTree(files)(root)
          execFileSync('setfacl', ['-m', 'u:1:rw', join(root, 'masked')])
        },
        destination: (root) => {
          mkdirSync(root)
          execFileSync('setfacl', ['-m', 'd:u:2:rwx', root])
        },
      })
      const hidden = new URL('no_xattr.ts', import.meta.url).href
      const script = new URL('play_in_process.ts', import.meta.url).pathname
      const run = spawnSync(process.execPath, ['--import', hidden, script, rig.home.path, job.id, '1'], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      expect({ status: run.status, stderr: run.status === 0 ? '' : run.stderr }).toEqual({ status: 0, stderr: '' })
      expect(modes(job.source)).toEqual({ masked: '660', team: '640', open: '644' })
      expect(modes(job.destination)).toEqual({ masked: '600', team: '600', open: '644' })
      const mask = (name: string) => /mask::(...)/.exec(acl(join(job.destination, name)))?.[1]
      expect([mask('masked'), mask('team'), mask('open')]).toEqual(['---', '---', 'r--'])
      expect(job.explain('team').state).toBe('processed')
      const stored = await rig.catalog.executions.get(job.id, 1)
      expect(stored?.warnings.filter((warning) => warning.includes('fs-xattr'))).not.toEqual([])
    },
  )

  testWith(
    hasAcls,
    'no POSIX ACLs',
    'a default ACL of the destination’s folder grants nobody what the source does not',
    async () => {
      const job = await rig.job(withOwnersToo, {
        source: aTree({ 'd/a.txt': { is: 'x', mode: 0o600 } }),
        destination: (root) => {
          mkdirSync(join(root, 'd'), { recursive: true })
          execFileSync('setfacl', ['-m', 'd:u:1:rwx', join(root, 'd')])
        },
      })
      await job.run()
      expect(acl(join(job.destination, 'd/a.txt'))).toBe('user::rw- group::--- other::---')
      expect((await job.run()).status).toBe('no_changes')
    },
  )
})

describe('an overwritten file', () => {
  const changedSource = async (transfer: Record<string, unknown>) => {
    const job = await rig.job(transfer, { source: aTree({ closed: 'old', open: 'old', large: '1 MB' }) })
    await job.run()
    for (const name of ['closed', 'open', 'large']) writeFileSync(join(job.source, name), `new ${name}`.repeat(9))
    return job
  }

  test('keeps the mode it was given at the destination, where permissions are not carried', async () => {
    const job = await changedSource({})
    chmodSync(join(job.destination, 'closed'), 0o600)
    chmodSync(join(job.destination, 'large'), 0o4710)
    expect((await job.run()).reasons).toEqual({ 'success changed': 3 })
    expect(modes(job.destination)).toEqual({ closed: '600', open: '644', large: '710' })
    expect(textAt(job.destination, 'closed')).toBe(textAt(job.source, 'closed'))
    expect((await job.run()).status).toBe('no_changes')
  })

  testWith(isRoot && hasAcls, 'not root, or no POSIX ACLs', 'keeps its owner and its ACL, too', async () => {
    const job = await changedSource({})
    const at = join(job.destination, 'closed')
    chownSync(at, 1, 2)
    execFileSync('setfacl', ['-m', 'u:3:rw,g::-', at])
    const before = acl(at)
    await job.run()
    expect(textAt(job.destination, 'closed')).toBe(textAt(job.source, 'closed'))
    expect(look(job.destination).get('closed')).toMatchObject({ uid: 1, gid: 2 })
    expect(acl(at)).toBe(before)
    expect(look(job.destination).get('open')).toMatchObject({ uid: 0, gid: 0 })
    expect((await job.run()).status).toBe('no_changes')
  })

  test('has the source’s mode where permissions are carried', async () => {
    const job = await changedSource(withPermissions)
    chmodSync(join(job.destination, 'closed'), 0o600)
    await job.run()
    expect(modes(job.destination)).toEqual(modes(job.source))
  })
})

describe('owners', () => {
  const rows = (uid: number): string =>
    JSON.stringify([
      { uid, email: 'jsmith@company.com', username: `j${uid}` },
      { gid: uid + 1, name: 'staff' },
    ])

  async function between(
    transfer: Record<string, unknown>,
    source = aTree({
      'a.txt': { is: 'x', uid: 5001, gid: 5002 },
      'd/': { uid: 5001, gid: 5002 },
      l: { to: 'a.txt' },
      'd/nobody.txt': { is: 'x', uid: 5555, gid: 5556 },
    }),
  ) {
    const [from, to] = ['from', 'to'].map((name) => join(rig.folder, `directory-${name}.json`)) as [string, string]
    writeFileSync(from, rows(5001))
    writeFileSync(to, rows(6001))
    return rig.job(
      { preserve_owners: true, ...transfer },
      {
        source: (root) => {
          source(root)
          execFileSync('chown', ['-h', '5001:5002', join(root, 'l')])
        },
        from: { auth: { directory: from } },
        to: { auth: { directory: to } },
      },
    )
  }
  const owners = (root: string): Record<string, string> =>
    Object.fromEntries([...look(root)].map(([path, { uid, gid }]) => [path, `${uid}:${gid}`]))
  const maps = {
    account_map: { map_by: { email: true } },
    group_map: { map_by: { name: true } },
  }

  testWith(
    isRoot,
    'not root',
    'are found by the maps; somebody unresolved leaves the running account as owner, with a warning',
    async () => {
      const job = await between(maps)
      const ran = await job.run()
      expect(ran).toMatchObject({ failed: 0, flagged: 0 })
      expect(owners(job.destination)).toEqual({
        'a.txt': '6001:6002',
        d: '6001:6002',
        l: '6001:6002',
        'd/nobody.txt': '0:0',
      })
      const warnings = job.audit({ type: '4002' })
      expect(new Set(warnings.map(({ item }) => item))).toEqual(new Set([job.explain('d/nobody.txt').item]))
      expect(warnings.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^owner "5555" has no counterpart at the destination .* the running account owns it$/),
        expect.stringMatching(/^group "5556" has no counterpart/),
      ])
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  testWith(isRoot, 'not root', 'go by exceptions first; numbers of another directory mean nobody', async () => {
    const job = await between({
      account_map: {
        map_by: { id: true },
        exceptions: [{ source: { email: 'jsmith@company.com' }, destination: { username: 'j6001' } }],
      },
      group_map: { map_by: { id: true } },
    })
    await job.run()
    expect(owners(job.destination)).toEqual({ 'a.txt': '6001:0', d: '6001:0', l: '6001:0', 'd/nobody.txt': '0:0' })
  })

  testWith(isRoot, 'not root', 'changed alone cost an attribute write and no content byte', async () => {
    const job = await between(maps)
    await job.run()
    chownSync(join(job.source, 'd/nobody.txt'), 5001, 5002)
    const before = look(job.destination)
    const ran = await job.run()
    expect(ran.balance?.carriedOut?.bytes).toBe(0n)
    expect(touched(before, look(job.destination))).toEqual(['d/nobody.txt'])
    expect(owners(job.destination)['d/nobody.txt']).toBe('6001:6002')
  })

  testWith(
    isRoot,
    'not root',
    'with permissions: a mode grants the mapped owner what it granted at the source, and nobody else more',
    async () => {
      const job = await between(
        { ...maps, ...withPermissions },
        aTree({
          'a.txt': { is: 'x', uid: 5001, gid: 5002, mode: 0o640 },
          'd/nobody.txt': { is: 'x', uid: 5555, gid: 5556, mode: 0o664 },
          l: { to: 'a.txt' },
        }),
      )
      await job.run()
      expect(look(job.destination).get('a.txt')).toMatchObject({ uid: 6001, gid: 6002, mode: 0o640 })
      const nobody = look(job.destination).get('d/nobody.txt')!
      expect(nobody.mode & 0o077 & ~0o004).toBe(0)
      expect(job.explain('d/nobody.txt')).toMatchObject({ state: 'processed' })
      expect((await job.run()).status).toBe('no_changes')
    },
  )
})

describe('a staged file', () => {
  test('is closed to others while it is written, whatever the source’s mode and the umask', async () => {
    const umask = process.umask(0)
    try {
      const job = await rig.job(withPermissions, { source: aTree({ 'large.bin': { is: '200 MB', mode: 0o644 } }) })
      const seen = new Set<string>()
      const watching = setInterval(() => {
        for (const [name, { mode }] of look(job.destination)) if (name.startsWith('.~')) seen.add(mode.toString(8))
      }, 5)
      await job.run()
      clearInterval(watching)
      expect([...seen].filter((mode) => mode !== '600' && mode !== '644')).toEqual([])
      expect(seen).toContain('600')
      expect(textAt(job.destination, 'large.bin')).toHaveLength(textAt(job.source, 'large.bin').length)
    } finally {
      process.umask(umask)
    }
  })
})
