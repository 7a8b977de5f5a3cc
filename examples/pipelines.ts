import { Module } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, Contract } from 'agentmq';
import { CoordinatorsModule, Pipelines, PipelinesModule, Task } from 'agentmq/coordination';
import { IsNumber, IsString } from 'class-validator';

@Contract({ type: 'parse_reading' })
class ParseReading {
  @IsString()
  line!: string;
}

@Contract({ type: 'rate_reading' })
class RateReading {
  @IsString()
  city!: string;

  @IsNumber()
  degrees!: number;
}

@Contract({ type: 'rated' })
class Rated {
  @IsString()
  text!: string;
}

@Agent({ role: 'weather' })
class WeatherAgent {
  @Task(ParseReading)
  parse({ line }: ParseReading): RateReading {
    const [city = '', degrees] = line.split(',');
    return { city, degrees: Number(degrees) };
  }

  @Task(RateReading)
  rate({ city, degrees }: RateReading): Rated {
    return { text: `${city} is ${degrees < 10 ? 'cold' : 'warm'}` };
  }
}

@Module({ imports: [CoordinatorsModule, PipelinesModule], controllers: [WeatherAgent] })
class WeatherModule {}

export async function pipelines(team: Team): Promise<Rated> {
  const app = await team.add('weather', { module: WeatherModule });
  const pipelines = app.get(Pipelines);
  pipelines.define('readings', [
    { name: 'parse', contract: ParseReading },
    { name: 'rate', contract: RateReading, concurrency: 2, buffer: 10 },
  ]);
  const id = await pipelines.start('readings', { line: 'Oslo,3' }, { deadline: 60_000 });
  return pipelines.result(id, { answer: Rated });
}
