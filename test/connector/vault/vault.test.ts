import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { VaultSession } from '../../../src/connector/vault/session.ts'
import { resolveRoot } from '../../../src/connector/local/resolve.ts'
import { vault } from '../../../src/connector/vault/vault.ts'
import { codeOf, contentOf, listed, openVault, put, sha256, stage } from './arrange.ts'
import { blobCount, look } from './oracle.ts'

let root: string
let session: VaultSession
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stevedore-vault-'))
  session = openVault(root)
})
afterEach(() => {
  session.close()
  rmSync(root, { recursive: true, force: true })
})

describe('opening', () => {
  test('an empty folder becomes a vault; a missing one, a file, and a folder with other things do not', () => {
    expect(session.root('')).toMatchObject({ id: 'n1', kind: 'container' })
    const other = join(root, 'other')
    expect(codeOf(() => openVault(other))).toBe('RootGone')
    mkdirSync(other)
    writeFileSync(join(other, 'letter.txt'), 'dear')
    expect(codeOf(() => openVault(other))).toBe('Misconfigured')
    expect(codeOf(() => openVault(join(other, 'letter.txt')))).toBe('Misconfigured')
    expect(existsSync(join(other, 'vault.db'))).toBe(false)
  })

  test('nobody else can read the tree, whatever the umask', () => {
    const umask = process.umask(0)
    try {
      const other = join(root, 'other')
      mkdirSync(other)
      const opened = openVault(other)
      opened.makeContainer('n1', 'secret', 'k1')
      for (const name of readdirSync(other)) {
        expect([name, (statSync(join(other, name)).mode & 0o077).toString(8)]).toEqual([name, '0'])
      }
      opened.close()
    } finally {
      process.umask(umask)
    }
  })

  test('a damaged tree is named and left as it is', () => {
    session.close()
    writeFileSync(join(root, 'vault.db'), 'x'.repeat(8192))
    expect(() => openVault(root)).toThrow(/vault\.db: is damaged/)
    expect(readFileSync(join(root, 'vault.db'), 'latin1')).toBe('x'.repeat(8192))
  })

  test('each wrong setting has its message', () => {
    expect(vault.check({ root })).toEqual([])
    expect(vault.check({ root, max_size: '10', max_segment: 40, names: 'windows', impersonation: 'ignore' })).toEqual(
      [],
    )
    const wrong = { root: 'here', max_size: 'big', max_segment: 0, names: 'dos', impersonation: 'yes', max_sise: 1 }
    const problems = vault.check(wrong)
    for (const key of Object.keys(wrong)) {
      expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${key}:`)))
    }
    expect(vault.check({})).toEqual(['root: required'])
    expect(codeOf(() => vault.open({ root, max_size: 'big' }))).toBe('Misconfigured')
  })

  test('after the vault was taken away nothing is written into thin air', () => {
    renameSync(join(root, 'vault.db'), join(root, 'gone.db'))
    expect(codeOf(() => session.makeContainer('n1', 'a', 'k1'))).toBe('RootGone')
    writeFileSync(join(root, 'vault.db'), '')
    expect(codeOf(() => stage(session, 'x', { key: 'k2' }))).toBe('RootReplaced')
  })
})

describe('a tree known by ids', () => {
  test('siblings may have one name, and each is itself', () => {
    const one = put(session, 'a.txt', 'one', { key: 'k1' })
    const two = put(session, 'a.txt', 'two', { key: 'k2' })
    const folder = session.makeContainer('n1', 'a.txt', 'k3')
    expect(new Set([one.id, two.id, folder.id]).size).toBe(3)
    expect([contentOf(session, one), contentOf(session, two)]).toEqual(['one', 'two'])
    expect(look(root)).toMatchObject({
      tree: [
        ['/a.txt', 'one'],
        ['/a.txt', 'two'],
        ['/a.txt/', ''],
      ],
      wrong: [],
      stagings: [],
    })
  })

  test('a container made twice with one key is one container', () => {
    const made = session.makeContainer('n1', 'folder', 'k1')
    expect(session.makeContainer('n1', 'folder', 'k1')).toEqual(made)
    expect(session.makeContainer('n1', 'folder', 'k2').id).not.toBe(made.id)
  })

  test('a path leads by names from the top, to the first of several, and is made where it is missing', () => {
    expect(session.root('a/b')).toBeNull()
    const made = session.makeRoot('/a/b/')
    expect(session.makeRoot('a/b')).toEqual(made)
    session.makeContainer('n1', 'a', 'k1')
    expect(session.root('a/b')).toEqual(made)
    put(session, 'file', 'x', { key: 'k2' })
    expect(codeOf(() => session.root('file/x'))).toBe('NotAContainer')
    expect(codeOf(() => session.makeRoot('file/x'))).toBe('NotAContainer')
    expect(codeOf(() => session.root('a/../../etc'))).toBe('Escapes')
    expect(look(root).tree.map(([path]) => path)).toEqual(['/a/', '/a/', '/a/b/', '/file'])
  })

  test('a folder renamed keeps its children, and every change raises the version of what changed', () => {
    const folder = session.makeContainer('n1', 'old', 'k1')
    const child = put(session, 'child', 'x', { key: 'k2', container: folder.id })
    const renamed = session.move(folder.id, 'n1', 'new', folder)
    expect(renamed).toMatchObject({ id: folder.id, identity: folder.identity, name: 'new' })
    expect(renamed.version).not.toBe(folder.version)
    expect(session.stat(child.id, [])).toEqual(child)
    expect(codeOf(() => session.move(folder.id, 'n1', 'newer', folder))).toBe('PreconditionFailed')
    expect(session.move(folder.id, 'n1', 'new', folder)).toEqual(renamed)
    expect(codeOf(() => session.move(folder.id, folder.id, 'in itself', renamed))).toBe('Conflict')
    expect(codeOf(() => session.move('n1', folder.id, 'root', session.stat('n1', [])!))).toBe('AccessDenied')
  })

  test('what is not there is not found, and what is no folder has no children', () => {
    const file = put(session, 'file', 'x', { key: 'k1' })
    expect(session.stat('n99', [])).toBeNull()
    for (const id of ['n99', 'x', '', '../1', 'n1; DROP TABLE nodes']) {
      expect(codeOf(() => listed(session, id))).toBe('NotFound')
      expect(codeOf(() => session.open(id))).toBe('NotFound')
    }
    expect(codeOf(() => listed(session, file.id))).toBe('NotAContainer')
    expect(codeOf(() => session.makeContainer(file.id, 'a', 'k2'))).toBe('NotAContainer')
    expect(codeOf(() => session.open('n1'))).toBe('Unsupported')
  })

  test('the same node in another vault is somebody else', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'stevedore-vault-'))
    const other = openVault(elsewhere)
    try {
      expect(other.root('')?.identity).not.toBe(session.root('')?.identity)
      expect(other.resolve('a').place).not.toBe(session.resolve('a').place)
      const mine = put(session, 'a', 'x', { key: 'k1' })
      put(other, 'a', 'x', { key: 'k1' })
      expect(codeOf(() => put(other, 'a', 'y', { key: 'k2', condition: mine }))).toBe('PreconditionFailed')
    } finally {
      other.close()
      rmSync(elsewhere, { recursive: true })
    }
  })

  test('a vault overlaps with the folder it is in, and its folders with each other', () => {
    mkdirSync(join(root, 'blobs', 'ab'), { recursive: true })
    const [top, a, ab] = ['', 'a', '/a/b/'].map((path) => session.resolve(path))
    expect(top).toMatchObject({ place: resolveRoot(root).place, exists: true })
    expect(top!.above).toEqual(resolveRoot(root).above)
    expect(ab).toMatchObject({ exists: false, above: [a!.place, top!.place, ...top!.above] })
    expect(resolveRoot(join(root, 'blobs', 'ab')).above).toContain(top!.place)
    session.makeRoot('a/b')
    expect(session.resolve('a/b')).toEqual({ ...ab, exists: true })
  })

  test('a long listing comes in pages, once each, from one state of the tree', () => {
    const from = session.makeContainer('n1', 'from', 'from')
    const to = session.makeContainer('n1', 'to', 'to')
    const made = Array.from({ length: 2_500 }, (_, n) => session.makeContainer(from.id, `c${n}`, `k${n}`))
    const seen: string[] = []
    const states: boolean[] = []
    const sizes: number[] = []
    for (const page of session.list(from.id, [])) {
      seen.push(...page.items.map((item) => item.id))
      states.push(page.complete)
      sizes.push(page.items.length)
      if (sizes.length > 1) continue
      // Others move things out, in and about while we are on our way.
      const last = made.at(-1)!
      const away = session.move(last.id, to.id, 'away', last)
      session.makeContainer(from.id, 'late', 'late')
      session.move(last.id, from.id, 'back', away)
    }
    expect(seen).toEqual(made.map((item) => item.id))
    expect(states).toEqual([false, false, true])
    expect(sizes).toEqual([1000, 1000, 500])
    const half = session.list(from.id, [])
    half.next()
    half.return(undefined)
    session.makeContainer(from.id, 'goes on', 'goes-on')
  })

  test('exactly a page of children is one complete page', () => {
    for (let n = 0; n < 1_000; n++) session.makeContainer('n1', `c${n}`, `k${n}`)
    const pages = [...session.list('n1', [])]
    expect(pages.map((page) => [page.items.length, page.complete])).toEqual([[1_000, true]])
  })

  test('names are kept as they are, unless the connection says what Windows takes', () => {
    const odd = ['a?b', 'CON', 'trailing.', 'e\u0301', '\u00e9', '😀', 'tab\there', "' OR 1"]
    for (const [n, name] of odd.entries()) session.makeContainer('n1', name, `k${n}`)
    expect(listed(session).map((item) => item.name)).toEqual(odd)
    for (const name of ['', '.', '..', 'a/b', 'nul\0', '\ud800']) {
      expect(codeOf(() => session.makeContainer('n1', name, 'k'))).toBe('NameInvalid')
    }
    expect(codeOf(() => session.makeContainer('n1', 'x'.repeat(256), 'k'))).toBe('NameTooLong')
    const windows = openVault(root, { names: 'windows', max_size: 3 })
    for (const name of ['a?b', 'CON', 'con.txt', 'trailing.']) {
      expect(codeOf(() => windows.makeContainer('n1', name, 'w'))).toBe('NameInvalid')
      expect(codeOf(() => put(windows, name, 'x', { key: 'w' }))).toBe('NameInvalid')
    }
    expect(codeOf(() => put(windows, 'a', '1234', { key: 'w2' }))).toBe('TooLarge')
    windows.close()
    for (const settings of [{ max_segment: 4 }, { max_segment: 4, names: 'windows' }]) {
      const short = openVault(root, settings)
      expect(short.capabilities.names.maxSegment).toEqual({ n: 4, unit: 'utf16' })
      expect(codeOf(() => short.makeContainer('n1', 'abcde', 'w'))).toBe('NameTooLong')
      short.close()
    }
  })
})

describe('contents', () => {
  test('equal contents are stored once, and a content nobody needs any more goes', () => {
    const one = put(session, 'one', 'same', { key: 'k1' })
    const two = put(session, 'two', 'same', { key: 'k2' })
    expect(blobCount(root)).toBe(1)
    const changed = put(session, 'one', 'other', { key: 'k3', condition: one })
    expect(changed).toMatchObject({ id: one.id, hash: sha256('other') })
    expect(blobCount(root)).toBe(2)
    put(session, 'two', 'other', { key: 'k4', condition: two })
    expect(blobCount(root)).toBe(1)
    expect(look(root)).toMatchObject({
      tree: [
        ['/one', 'other'],
        ['/two', 'other'],
      ],
      wrong: [],
      stagings: [],
    })
  })

  test('times are kept to the nanosecond, also before 1970 and long after 2038; what no 64 bits hold is refused', () => {
    const attributes = { modifiedNs: -12_345_678_901_234_567n, createdNs: 9_000_000_000_123_456_789n }
    const item = put(session, 'old', 'x', { key: 'k1', attributes })
    expect(session.stat(item.id, [])).toMatchObject(attributes)
    for (const modifiedNs of [2n ** 63n, -(2n ** 63n) - 1n]) {
      expect(codeOf(() => session.setAttributes(item.id, { modifiedNs }))).toBe('Unsupported')
    }
    const set = session.setAttributes(item.id, { modifiedNs: 5n }, item)
    expect(set).toMatchObject({ modifiedNs: 5n, createdNs: attributes.createdNs })
    expect(session.setAttributes(item.id, { modifiedNs: 5n })).toEqual(set)
    expect(codeOf(() => session.setAttributes(item.id, { modifiedNs: 6n }, item))).toBe('PreconditionFailed')
    const folder = session.makeContainer('n1', 'folder', 'k2')
    expect(session.setAttributes(folder.id, { modifiedNs: 7n })).toMatchObject({ modifiedNs: 7n })
  })

  test('an overwrite happens only to exactly the item that was planned against', () => {
    const item = put(session, 'a', 'one', { key: 'k1', attributes: { createdNs: 1n } })
    const edited = put(session, 'a', 'two', { key: 'k2', condition: item })
    expect(edited.createdNs).toBe(1n)
    expect(codeOf(() => put(session, 'a', 'three', { key: 'k3', condition: item }))).toBe('PreconditionFailed')
    session.discard('n1', 'k3')
    const { identity: _, ...withoutIdentity } = edited
    const again = put(session, 'a', 'four', { key: 'k4', condition: withoutIdentity })
    expect(again.id).toBe(item.id)
    const moved = session.move(item.id, session.makeContainer('n1', 'f', 'kf').id, 'a', again)
    expect(codeOf(() => put(session, 'a', 'five', { key: 'k5', condition: moved }))).toBe('PreconditionFailed')
    session.discard('n1', 'k5')
    expect(look(root)).toMatchObject({
      tree: [
        ['/f/', ''],
        ['/f/a', 'four'],
      ],
      wrong: [],
      stagings: [],
    })
  })

  test('what arrives must be what was announced: size and hash', () => {
    const spec = { container: 'n1', key: 'k1', sizeBytes: 3n, attributes: {}, durability: 'process' as const }
    const short = session.stage(spec)
    short.write(Buffer.from('ab'), 0n)
    expect(codeOf(() => short.finish(sha256('ab')))).toBe('IntegrityMismatch')
    const other = session.stage(spec)
    other.write(Buffer.from('abc'), 0n)
    expect(codeOf(() => other.finish(sha256('abd')))).toBe('IntegrityMismatch')
    const backwards = session.stage(spec)
    backwards.write(Buffer.from('c'), 2n)
    backwards.write(Buffer.from('ab'), 0n)
    expect(backwards.finish(sha256('abc'))).toMatchObject({ hash: sha256('abc') })
    session.discard('n1', 'k1')
    expect(look(root)).toMatchObject({ tree: [], wrong: [], stagings: [] })
  })

  test('a content put down half-way is continued where it was', () => {
    const spec = { container: 'n1', key: 'k1', sizeBytes: 6n, attributes: {}, durability: 'process' as const }
    const first = session.stage(spec)
    first.write(Buffer.from('abcX'), 0n)
    first.suspend()
    session.close()
    session = openVault(root)
    const second = session.stage({ ...spec, resumeAt: 3n })
    const prefix = Buffer.alloc(10)
    expect(second.read(prefix, 0n)).toBe(3)
    second.write(Buffer.from('def'), 3n)
    const staged = second.finish(sha256('abcdef'))
    expect(contentOf(session, session.publish(staged, { container: 'n1', name: 'a', condition: 'absent' }))).toBe(
      'abcdef',
    )
    expect(codeOf(() => session.stage({ ...spec, key: 'k2', resumeAt: 3n }))).toBe('PreconditionFailed')
  })

  test('a reader gets one version whole, and learns at the end that it is not the latest', () => {
    const item = put(session, 'a', 'first', { key: 'k1' })
    const reading = session.open(item.id, item)
    const edited = put(session, 'a', 'second', { key: 'k2', condition: item })
    const bytes = Buffer.alloc(5)
    expect([reading.read(bytes, 0n), bytes.toString()]).toEqual([5, 'first'])
    expect(codeOf(() => reading.close())).toBe('ChangedWhileRead')
    expect(codeOf(() => session.open(item.id, item).read(Buffer.alloc(6), 0n))).toBe('GrewWhileRead')
    const shorter = session.open(item.id, { ...edited, sizeBytes: 9n })
    expect(codeOf(() => shorter.read(Buffer.alloc(9), 6n))).toBe('ShortRead')
    expect(codeOf(() => shorter.close(true))).toBeUndefined()
  })

  test('what a vault does not keep is refused, not forgotten', () => {
    const item = put(session, 'a', 'x', { key: 'k1' })
    const owner = { type: 'account' as const, directory: 'd', id: '1' }
    for (const attributes of [
      { owner },
      { group: owner },
      { accessedNs: 1n },
      { metadata: {} },
      { permissions: { entries: [], inherits: true } },
    ]) {
      expect(codeOf(() => session.setAttributes(item.id, attributes))).toBe('Unsupported')
      expect(codeOf(() => stage(session, 'x', { key: 'k2', attributes }))).toBe('Unsupported')
    }
    expect(codeOf(() => session.makeLink())).toBe('Unsupported')
    expect(codeOf(() => session.stat(item.id, ['permissions']))).toBe('Unsupported')
    expect(codeOf(() => [...session.list('n1', ['owner'])])).toBe('Unsupported')
  })

  test('a staging key names a staging, never a path', () => {
    for (const key of ['../vault.db', '/etc/passwd', '', '.', 'A', 'a/b']) {
      expect(codeOf(() => stage(session, 'x', { key }))).toBe('Unsupported')
      expect(codeOf(() => session.discard('n1', key))).toBe('Unsupported')
    }
  })

  test('written to survive a power cut, it is there as well', () => {
    const item = put(session, 'a', 'x', { key: 'k1', durability: 'power' })
    session.flush(item.id, 'n1')
    expect(look(root)).toMatchObject({ tree: [['/a', 'x']], wrong: [] })
  })
})

describe('a death in between', () => {
  const target = { container: 'n1', name: 'a', condition: 'absent' as const }

  test('before publishing, the staging is found as it was', () => {
    const staged = stage(session, 'x', { key: 'k1' })
    session.close()
    session = openVault(root)
    expect(session.reconcile(staged, target)).toEqual({ state: 'staged' })
    session.publish(staged, target)
    expect(look(root)).toMatchObject({ tree: [['/a', 'x']], wrong: [], stagings: [] })
  })

  test('between naming the content and committing its item, nothing is lost or done twice', () => {
    const staged = stage(session, 'x', { key: 'k1' })
    const blob = join(root, 'blobs', staged.hash.slice(0, 2), staged.hash)
    mkdirSync(dirname(blob), { recursive: true })
    renameSync(join(root, 'staging', 'k1'), blob)
    expect(session.reconcile(staged, target)).toEqual({ state: 'staged' })
    session.sweep()
    session.publish(staged, target)
    expect(look(root)).toMatchObject({ tree: [['/a', 'x']], wrong: [], stagings: [] })

    const same = stage(session, 'z', { key: 'k3' })
    mkdirSync(join(root, 'blobs', same.hash.slice(0, 2)), { recursive: true })
    renameSync(join(root, 'staging', 'k3'), join(root, 'blobs', same.hash.slice(0, 2), same.hash))
    const other = put(session, 'other', 'z', { key: 'k4' })
    put(session, 'other', 'w', { key: 'k5', condition: other })
    expect(session.reconcile(same, target)).toEqual({ state: 'staged' })
    session.discard('n1', 'k3')

    const second = stage(session, 'y', { key: 'k2' })
    const orphan = join(root, 'blobs', second.hash.slice(0, 2), second.hash)
    mkdirSync(dirname(orphan), { recursive: true })
    renameSync(join(root, 'staging', 'k2'), orphan)
    session.discard('n1', 'k2')
    expect(existsSync(orphan)).toBe(false)
    expect(session.reconcile(second, target)).toEqual({ state: 'gone' })
  })

  test('after publishing, a repeat finds the item and makes no second one', () => {
    const staged = stage(session, 'x', { key: 'k1' })
    const item = session.publish(staged, target)
    const renamed = session.move(item.id, 'n1', 'b', item)
    expect(session.reconcile(staged, target)).toEqual({ state: 'published', item: renamed })
    expect(session.publish(staged, target)).toEqual(renamed)
    session.discard('n1', 'k1')
    expect(look(root)).toMatchObject({ tree: [['/b', 'x']], wrong: [], stagings: [] })
  })

  test('after an overwrite, before the old content went, the next session clears it away', () => {
    const item = put(session, 'a', 'old', { key: 'k1' })
    put(session, 'a', 'new', { key: 'k2', condition: item })
    const old = join(root, 'blobs', sha256('old').slice(0, 2), sha256('old'))
    expect(existsSync(old)).toBe(false)
    const tree = new DatabaseSync(join(root, 'vault.db'))
    for (const content of ['old', 'new']) tree.exec(`INSERT INTO loose VALUES ('${sha256(content)}')`)
    tree.close()
    mkdirSync(dirname(old), { recursive: true })
    writeFileSync(old, 'old')
    session.close()
    session = openVault(root)
    expect(existsSync(old)).toBe(false)
    expect(look(root)).toMatchObject({ tree: [['/a', 'new']], wrong: [], stagings: [] })
  })

  test('a staging that was thrown away is gone, however often', () => {
    const staged = stage(session, 'x', { key: 'k1' })
    session.discard('n1', 'k1')
    session.discard('n1', 'k1')
    expect(session.reconcile(staged, target)).toEqual({ state: 'gone' })
    expect(codeOf(() => session.publish(staged, target))).toBe('NotFound')
    expect(look(root)).toMatchObject({ tree: [], wrong: [], stagings: [] })
  })

  test('a staging begun again under its key is no longer whole', () => {
    const staged = stage(session, 'x', { key: 'k1' })
    const again = session.stage({ container: 'n1', key: 'k1', sizeBytes: 1n, attributes: {}, durability: 'process' })
    again.write(Buffer.from('y'), 0n)
    again.suspend()
    expect(session.reconcile(staged, target)).toEqual({ state: 'gone' })
  })
})

describe('what lies where a content should', () => {
  const blob = (content: string): string => join(root, 'blobs', sha256(content).slice(0, 2), sha256(content))

  test('is not read through a link, and a pipe keeps nobody waiting', () => {
    const item = put(session, 'a.txt', 'hello', { key: 'k1' })
    const elsewhere = join(root, 'elsewhere')
    renameSync(blob('hello'), elsewhere)
    symlinkSync(elsewhere, blob('hello'))
    expect(codeOf(() => session.open(item.id, item))).toBe('Escapes')
    rmSync(blob('hello'))
    execFileSync('mkfifo', [blob('hello')])
    expect(codeOf(() => session.open(item.id, item))).toBe('Unsupported')
  })

  test('is not written to through a link that waits under the name of a staging', () => {
    const elsewhere = join(root, 'elsewhere')
    writeFileSync(elsewhere, 'somebody’s')
    symlinkSync(elsewhere, join(root, 'staging', 'k1'))
    put(session, 'a.txt', 'hello', { key: 'k1' })
    expect(readFileSync(elsewhere, 'utf8')).toBe('somebody’s')
    symlinkSync(elsewhere, join(root, 'staging', 'k2'))
    const resumed = {
      container: 'n1',
      key: 'k2',
      sizeBytes: 9n,
      attributes: {},
      durability: 'process',
      resumeAt: 5n,
    } as const
    expect(codeOf(() => session.stage(resumed))).toBe('PreconditionFailed')
  })
})
