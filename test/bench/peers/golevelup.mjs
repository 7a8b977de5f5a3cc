import 'reflect-metadata';
import { AmqpConnection, RabbitMQModule, RabbitRPC, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { NestFactory } from '@nestjs/core';
import { decorateMethod } from './decorate.mjs';

const exchangeOf = ({ namespace }) => `${namespace}.golevelup`;

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function receive(surroundings) {
  const exchange = exchangeOf(surroundings);
  const queueOf = (routingKey) => `${exchange}.${routingKey}`;
  const inbox = (routingKey) => ({
    exchange,
    routingKey,
    queue: queueOf(routingKey),
    queueOptions: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
  });
  class Receiver {
    async take(payload) {
      void surroundings.handled(payload);
    }

    async answer(payload) {
      return payload;
    }
  }
  decorateMethod(Receiver, 'take', RabbitSubscribe(inbox('take')));
  decorateMethod(Receiver, 'answer', RabbitRPC(inbox('answer')));
  const { app, connection } = await start(surroundings, [Receiver]);
  return {
    async close() {
      for (const routingKey of ['take', 'answer']) await connection.channel.deleteQueue(queueOf(routingKey));
      await connection.channel.deleteExchange(exchange);
      await app.close();
    },
  };
}

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function send(surroundings) {
  const exchange = exchangeOf(surroundings);
  const { app, connection } = await start(surroundings, []);
  return {
    send: (payload) => connection.publish(exchange, 'take', payload, { persistent: true }),
    request: (payload) => connection.request({ exchange, routingKey: 'answer', payload, timeout: 10_000 }),
    close: () => app.close(),
  };
}

async function start(surroundings, providers) {
  class BenchModule {}
  const rabbitMq = RabbitMQModule.forRoot({
    uri: surroundings.servers.amqp,
    exchanges: [{ name: exchangeOf(surroundings), type: 'direct' }],
    prefetchCount: surroundings.prefetch,
    connectionInitOptions: { wait: true },
    connectionManagerOptions: { connectionOptions: { noDelay: true } },
  });
  const module = { module: BenchModule, imports: [rabbitMq], providers };
  const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
  return { app, connection: app.get(AmqpConnection) };
}
