import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import type { Left } from '../../../src/connector/connector.ts'
import { ConnectorError } from '../../../src/connector/errors.ts'
import { Bench, pattern, refusal, sha256, type Current } from '../bench.ts'

const script = new URL('../stage_and_wait.ts', import.meta.url).pathname

export function crashCases(at: Current): void {
  test('a process killed while it stages leaves nothing of the name, and its key is enough to clear up', async () => {
    const bench = at()
    const root = await bench.rootId()
    const { left } = await stageAndDie(bench, 'crash-1', { written: 7, announced: 10 })
    expect((await bench.children(root)).filter((c) => c.name === 'file')).toEqual([])
    await bench.session.discard(root, 'crash-1', left)
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('the same key stages again after a death, from the beginning', async () => {
    const bench = at()
    const root = await bench.rootId()
    const { left } = await stageAndDie(bench, 'crash-2', { written: 7, announced: 10 })
    // What has an id of the platform's is not known by its key alone.
    if (left.resume !== undefined) await bench.session.discard(root, 'crash-2', left)
    const staged = await bench.stage(root, pattern(50_000), { key: 'crash-2' })
    const item = await bench.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
    expect((await bench.read(item.id, item)).equals(pattern(50_000))).toBe(true)
    expect(await bench.oracle.names([])).toEqual(['file'])
  })

  test('a staging is continued after a death where claimed, from where it is known to be right', async () => {
    const bench = at()
    const root = await bench.rootId()
    const { left, unit, announced } = await stageAndDie(bench, 'crash-3', { written: 7, announced: 10 })
    const [asked, whole] = [6 * unit, 10 * unit]
    const resume = () => bench.session.stage({ ...announced, ...resumed(left), resumeAt: BigInt(asked) })
    if (!bench.claims.content.resumable) {
      expect(await refusal(resume)).toBe('Unsupported')
      return
    }
    const staging = await resume()
    const from = Number(staging.resumesAt ?? asked)
    // Parts on their way when it died may be there or not.
    expect(from).toBeLessThanOrEqual(7 * unit)
    const prefix = Buffer.alloc(from, 'x')
    if (staging.read) {
      const there = Buffer.alloc(from)
      for (let n = 0; n < from;) n += await staging.read(there.subarray(n), BigInt(n))
      expect(there.equals(prefix)).toBe(true)
    }
    staging.verify?.(prefix)
    const content = Buffer.concat([prefix, pattern(whole - from)])
    await staging.write(content.subarray(from), BigInt(from))
    const staged = await staging.finish(sha256(content))
    const item = await bench.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
    expect((await bench.read(item.id, item)).equals(content)).toBe(true)
    expect(await bench.oracle.names([])).toEqual(['file'])
  })

  test('a staged prefix that is not what the source has now shows before it is published, where it is continued', async () => {
    const bench = at()
    if (!bench.claims.content.resumable) return
    const root = await bench.rootId()
    const { left, unit, announced } = await stageAndDie(bench, 'crash-5', { written: 7, announced: 10 })
    const staging = await bench.session.stage({ ...announced, ...resumed(left), resumeAt: BigInt(unit) })
    // Where nothing states a hash of a part, that of the whole tells.
    const goOn = async () => {
      const from = Number(staging.resumesAt)
      staging.verify?.(Buffer.alloc(from, 'y'))
      const content = Buffer.alloc(10 * unit, 'y')
      await staging.write(content.subarray(from), BigInt(from))
      await staging.finish(sha256(content))
    }
    if (staging.verify) expect(await refusal(goOn)).toBe('IntegrityMismatch')
    await staging.suspend()
    await bench.session.discard(root, 'crash-5', left)
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('more than was staged cannot be continued', async () => {
    const bench = at()
    if (!bench.claims.content.resumable) return
    const root = await bench.rootId()
    const { left, unit, announced } = await stageAndDie(bench, 'crash-4', { written: 0.1, announced: 10 })
    const resume = async () => {
      const staging = await bench.session.stage({ ...announced, ...resumed(left), resumeAt: BigInt(5 * unit) })
      await staging.suspend()
      if ((staging.resumesAt ?? BigInt(5 * unit)) < BigInt(unit)) throw new ConnectorError('NotFound', 'less is there')
    }
    expect(['PreconditionFailed', 'NotFound']).toContain(await refusal(resume))
    await bench.session.discard(root, 'crash-4', left)
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('a suspended staging waits for its continuation', async () => {
    const bench = at()
    if (!bench.claims.content.resumable) return
    const unit = unitOf(bench)
    const root = await bench.rootId()
    const content = pattern(10 * unit)
    const spec = {
      container: root,
      key: bench.freshKey(),
      name: 'file',
      sizeBytes: BigInt(content.length),
      attributes: {},
      durability: 'process',
    } as const
    const first = await bench.session.stage(spec)
    await first.write(content.subarray(0, 3 * unit), 0n)
    await first.suspend()
    const later = await Bench.open(bench.subject)
    try {
      const second = await later.session.stage({ ...spec, ...resumed(first), resumeAt: BigInt(3 * unit) })
      expect(second.resumesAt ?? BigInt(3 * unit)).toBe(BigInt(3 * unit))
      await second.write(content.subarray(3 * unit), BigInt(3 * unit))
      const staged = await second.finish(sha256(content))
      const item = await later.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
      expect((await later.read(item.id, item)).equals(content)).toBe(true)
    } finally {
      await later.session.close()
    }
  })
}

/** A tenth of a content that is large enough to be continued. */
function unitOf({ claims }: Bench): number {
  return Number(claims.content.resumeUnit ?? 10_000n)
}

function resumed({ resume }: Pick<Left, 'resume'>): Pick<Left, 'resume'> {
  return resume === undefined ? {} : { resume }
}

/** @param amounts in units */
async function stageAndDie(bench: Bench, key: string, amounts: { written: number; announced: number }) {
  const unit = unitOf(bench)
  const [written, size] = [amounts.written * unit, amounts.announced * unit]
  const { resume } = await killedWhileStaging(bench, key, { written, announced: size })
  const container = await bench.rootId()
  const announced = {
    container,
    key,
    name: 'file',
    sizeBytes: BigInt(size),
    attributes: {},
    durability: 'process',
  } as const
  const left: Left = { name: 'file', sizeBytes: BigInt(size), ...(resume === undefined ? {} : { resume }) }
  return { unit, announced, left }
}

async function killedWhileStaging(
  { subject }: Bench,
  key: string,
  { written, announced }: { written: number; announced: number },
): Promise<{ resume?: string }> {
  const args = [subject.connector.platform, JSON.stringify(subject.auth), key, String(written), String(announced)]
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: subject.nodeOptions ?? '' },
  })
  const ended = once(child, 'exit')
  const said = await Promise.race([once(child.stdout, 'data'), ended])
  child.kill('SIGKILL')
  await ended
  const answer = JSON.parse(String(said[0])) as { staged: boolean; resume?: string }
  expect(answer.staged).toBe(true)
  return answer
}
