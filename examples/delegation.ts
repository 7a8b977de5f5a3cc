import { Module } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, Contract } from 'agentmq';
import { CoordinatorsModule, Delegation, Task, Tasks, TasksModule } from 'agentmq/coordination';
import { IsInt, IsString } from 'class-validator';

@Contract({ type: 'count_book' })
class CountBook {
  @IsString()
  text!: string;
}

@Contract({ type: 'count_library' })
class CountLibrary {
  @IsString({ each: true })
  books!: string[];
}

@Contract({ type: 'word_count' })
class WordCount {
  @IsInt()
  words!: number;
}

@Agent({ role: 'reader' })
class ReaderAgent {
  @Task(CountBook)
  count({ text }: CountBook): WordCount {
    return { words: text.split(' ').length };
  }
}

@Agent({ role: 'librarian' })
class LibrarianAgent {
  constructor(private readonly delegation: Delegation) {}

  @Task(CountLibrary)
  async count({ books }: CountLibrary): Promise<WordCount> {
    const pieces = books.map((text) => ({ text }));
    const { results } = await this.delegation.delegate(CountBook, pieces, {
      answer: WordCount,
      concurrency: 8,
    });
    return { words: results.reduce((sum, { words }) => sum + words, 0) };
  }
}

@Module({ imports: [TasksModule], controllers: [ReaderAgent] })
class ReaderModule {}

@Module({ imports: [CoordinatorsModule], controllers: [LibrarianAgent] })
class LibrarianModule {}

export async function delegation(team: Team): Promise<WordCount> {
  await team.add('reader-1', { module: ReaderModule });
  await team.add('reader-2', { module: ReaderModule });
  const librarian = await team.add('librarian', { module: LibrarianModule });
  const books = ['call me Ishmael', 'it was the best of times', 'mother died today'];
  return librarian.get(Tasks).run(CountLibrary, { books }, { answer: WordCount });
}
