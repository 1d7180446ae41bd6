"""clusterfutures: an executor whose futures are jobs, one of them failing, watched by squeue."""

from cfut import RemoteException, SlurmExecutor


def square(number: int) -> int:
    if number < 0:
        raise ValueError("negative")
    return number * number


def main() -> None:
    with SlurmExecutor(additional_setup_lines=["#SBATCH -t 3 --mem=200M"]) as executor:
        futures = [executor.submit(square, number) for number in (2, 3, -1)]
        assert [future.result(timeout=90) for future in futures[:2]] == [4, 9]
        error = futures[2].exception(timeout=90)
        assert isinstance(error, RemoteException) and "negative" in str(error), error


if __name__ == "__main__":
    main()
