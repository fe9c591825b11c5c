import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { Bench, pattern, refusal, sha256, type Current } from '../bench.ts'

const script = new URL('../stage_and_wait.ts', import.meta.url).pathname

export function crashCases(at: Current): void {
  test('a process killed while it stages leaves nothing of the name, and its key is enough to clear up', async () => {
    const bench = at()
    const root = await bench.rootId()
    await stageAndDie(bench, 'crash-1', 70_000, 100_000)
    expect((await bench.children(root)).filter((c) => c.name === 'file')).toEqual([])
    await bench.session.discard(root, 'crash-1')
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('the same key stages again after a death, from the beginning', async () => {
    const bench = at()
    const root = await bench.rootId()
    await stageAndDie(bench, 'crash-2', 70_000, 100_000)
    const staged = await bench.stage(root, pattern(50_000), { key: 'crash-2' })
    const item = await bench.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
    expect((await bench.read(item.id, item)).equals(pattern(50_000))).toBe(true)
    expect(await bench.oracle.names([])).toEqual(['file'])
  })

  test('a staging is continued after a death where claimed, from where it is known to be right', async () => {
    const bench = at()
    const root = await bench.rootId()
    await stageAndDie(bench, 'crash-3', 70_000, 100_000)
    const resume = (resumeAt: bigint) =>
      bench.session.stage({
        container: root,
        key: 'crash-3',
        sizeBytes: 100_000n,
        attributes: {},
        durability: 'process',
        resumeAt,
      })
    if (!bench.claims.content.resumable) {
      expect(await refusal(() => resume(60_000n))).toBe('Unsupported')
      return
    }
    const staging = await resume(60_000n)
    const prefix = Buffer.alloc(60_000)
    for (let n = 0; n < prefix.length;) n += (await staging.read?.(prefix.subarray(n), BigInt(n))) ?? prefix.length
    if (staging.read) expect(prefix.equals(Buffer.alloc(60_000, 'x'))).toBe(true)
    const content = Buffer.concat([Buffer.alloc(60_000, 'x'), pattern(40_000)])
    await staging.write(content.subarray(60_000), 60_000n)
    const staged = await staging.finish(sha256(content))
    const item = await bench.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
    expect((await bench.read(item.id, item)).equals(content)).toBe(true)
    expect(await bench.oracle.names([])).toEqual(['file'])
  })

  test('more than was staged cannot be continued', async () => {
    const bench = at()
    if (!bench.claims.content.resumable) return
    const root = await bench.rootId()
    await stageAndDie(bench, 'crash-4', 1_000, 100_000)
    const resume = () =>
      bench.session.stage({
        container: root,
        key: 'crash-4',
        sizeBytes: 100_000n,
        attributes: {},
        durability: 'process',
        resumeAt: 50_000n,
      })
    expect(['PreconditionFailed', 'NotFound']).toContain(await refusal(resume))
    await bench.session.discard(root, 'crash-4')
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('a suspended staging waits for its continuation', async () => {
    const bench = at()
    if (!bench.claims.content.resumable) return
    const root = await bench.rootId()
    const content = pattern(100_000)
    const spec = {
      container: root,
      key: bench.freshKey(),
      sizeBytes: 100_000n,
      attributes: {},
      durability: 'process',
    } as const
    const first = await bench.session.stage(spec)
    await first.write(content.subarray(0, 30_000), 0n)
    await first.suspend()
    const later = await Bench.open(bench.subject)
    try {
      const second = await later.session.stage({ ...spec, resumeAt: 30_000n })
      await second.write(content.subarray(30_000), 30_000n)
      const staged = await second.finish(sha256(content))
      const item = await later.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
      expect((await later.read(item.id, item)).equals(content)).toBe(true)
    } finally {
      await later.session.close()
    }
  })
}

async function stageAndDie({ subject }: Bench, key: string, written: number, announced: number): Promise<void> {
  const args = [subject.connector.platform, JSON.stringify(subject.auth), key, String(written), String(announced)]
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: subject.nodeOptions ?? '' },
  })
  const ended = once(child, 'exit')
  const said = await Promise.race([once(child.stdout, 'data'), ended])
  child.kill('SIGKILL')
  await ended
  expect(String(said[0])).toContain('staged')
}
