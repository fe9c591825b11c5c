import { describe, expect, test } from '@jest/globals'
import { killPlan } from './kill_plan.ts'

const options = { files: 20_000, kills: { worker: 20, server: 5, everything: 5 }, seed: 7, mostDelayMs: 200 }

describe('a plan of kills', () => {
  test('has as many of each kind as asked for, spread over the whole copy', () => {
    const plan = killPlan(options)
    const of = (victim: string): number[] => plan.filter((k) => k.victim === victim).map((k) => k.afterFiles)
    expect([of('worker').length, of('server').length, of('everything').length]).toEqual([20, 5, 5])
    for (const victim of ['worker', 'server', 'everything']) {
      const at = of(victim)
      expect(Math.min(...at)).toBeLessThan(5_000)
      expect(Math.max(...at)).toBeGreaterThan(15_000)
    }
    expect(plan.every((kill, i) => kill.afterFiles > (plan[i - 1]?.afterFiles ?? 0))).toBe(true)
    expect(plan.at(-1)?.afterFiles).toBeLessThan(20_000 * 0.96)
  })

  test('is the same for the same seed, and strikes at other moments for another', () => {
    expect(killPlan(options)).toEqual(killPlan(options))
    expect(killPlan({ ...options, seed: 8 })).not.toEqual(killPlan(options))
    expect(new Set(killPlan(options).map((k) => k.delayMs)).size).toBeGreaterThan(15)
  })
})
