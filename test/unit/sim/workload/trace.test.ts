import { describe, expect, it } from 'vitest';
import { TraceParser } from '../../../../src/sim/workload/trace.ts';
import { parsed, read } from '../../../support/lines.ts';

describe('TraceParser', () => {
  const kinds = {
    'Azure’s requests': [['TIMESTAMP,ContextTokens,GeneratedTokens', '2023-11-16 18:15:46.68,1,1'], 'requests'],
    'requests with seconds, which are no rates': [['t_s,input_tokens,output_tokens', '0,1,1'], 'requests'],
    'BurstGPT’s requests': [
      [
        'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type',
        '5,,3,GPT-4,1,1,2,API log',
      ],
      'requests',
    ],
    'Mooncake’s requests after an empty line': [['', '{"timestamp":0,"input_length":1,"output_length":1}'], 'requests'],
    'ServeGen’s clients': [['t_s,c61,c142', '0,1,2', '600,,2'], 'clients'],
    'a series of rates': [['timestamp,value', '0,1', '60,2'], 'rates'],
  } as const;
  for (const [name, [lines, kind]] of Object.entries(kinds)) {
    it(`knows ${name} by the first line`, () => expect(read(new TraceParser('trace'), lines).kind).toBe(kind));
  }

  it('does as it is told', () => {
    const lines = ['Timestamp,Request tokens,Response tokens,requests', '0,1,1,5', '60,1,1,6'];
    expect(read(new TraceParser('trace'), lines).kind).toBe('requests');
    expect(read(new TraceParser('trace', { format: 'rates' }), lines).kind).toBe('rates');
    expect(parsed(new TraceParser('trace', { format: 'azure' }), lines)).toContain('line 1: `header` must be');
  });

  it('says what it knows when it knows nothing', () => {
    expect(parsed(new TraceParser('trace'), ['a,b', '1,2'])).toContain('(or say --trace-format), was "a,b"');
    expect(parsed(new TraceParser('trace'), [])).toContain('was "an empty file"');
  });
});
