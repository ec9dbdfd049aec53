"""The benchmark (性能测试) and its generated data: a whole night, or one stage alone."""
