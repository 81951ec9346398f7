import { describe, expect, test } from 'vitest';
import { togetherOf } from '../../../../src/core/model/engines/endpoint-picker.ts';
import type { GatewaySamples } from '../../../../src/core/model/pool.ts';
import { missing, type Sample, value } from '../../../../src/core/model/sample.ts';
import { at } from '../../../support/builders.ts';

const picker = (queued: Sample): GatewaySamples => ({ queued, requestsTotal: value(100, at(10)) });
const [three, four] = [value(3, at(10)), value(4, at(8))];

describe('several endpoint pickers', () => {
  test('have queues of their own, as old as the oldest', () => {
    expect(togetherOf([picker(three), picker(four)]).queued).toStrictEqual(value(7, at(8)));
  });
  test('of which one leads have its queue', () => {
    expect(togetherOf([picker(missing('NotExposed')), picker(three)]).queued).toStrictEqual(three);
  });
  test('of which one cannot be read have an unknown queue', () => {
    expect(togetherOf([picker(three), picker(missing('ScrapeFailed'))]).queued).toStrictEqual(missing('ScrapeFailed'));
  });
  test('without any queue have none', () => {
    const none = picker(missing('NotExposed'));
    expect(togetherOf([none, none]).queued).toStrictEqual(missing('NotExposed'));
  });
  test('are not counted: the sum falls when one of them restarts', () => {
    expect(togetherOf([picker(three), picker(four)]).requestsTotal).toStrictEqual(missing('NotExposed'));
    expect(togetherOf([picker(three)]).requestsTotal).toStrictEqual(value(100, at(10)));
  });
  test('that are not there say nothing, which is not an empty queue', () => {
    expect(togetherOf([]).queued).toStrictEqual(missing('NotScraped'));
  });
});
